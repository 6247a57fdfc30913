/**
 * The {@code sluice} command: starts processes, asks running ones, and shows the mesh at work.
 *
 * <p>The one place where node daemon and control plane meet. Start reading at {@link
 * io.sluice.cli.SluiceCommand}.
 */
@NullMarked
package io.sluice.cli;

import org.jspecify.annotations.NullMarked;
