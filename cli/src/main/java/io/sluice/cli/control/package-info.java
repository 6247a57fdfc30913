/**
 * {@code sluice control}: the controller, and the commands by which people deal with it.
 *
 * <p>Arguments in, tables and files out; the work is in {@code io.sluice.control}. Start reading at
 * {@link io.sluice.cli.control.ControlRunCommand}.
 */
@NullMarked
package io.sluice.cli.control;

import org.jspecify.annotations.NullMarked;
