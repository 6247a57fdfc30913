/**
 * {@code sluice check}: what is wrong with a node, a cluster or a folder, by a catalogue of codes.
 *
 * <p>Start reading at {@link io.sluice.cli.check.CheckCommand}; what can be found is {@link
 * io.sluice.cli.check.Code}, and what is looked at {@link io.sluice.cli.check.Facts}.
 */
@NullMarked
package io.sluice.cli.check;

import org.jspecify.annotations.NullMarked;
