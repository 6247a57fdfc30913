/**
 * {@code sluice node}: runs the daemon and looks into a running or a dead one.
 *
 * <p>Start reading at {@link io.sluice.cli.node.NodeCommand}.
 */
@NullMarked
package io.sluice.cli.node;

import org.jspecify.annotations.NullMarked;
