/**
 * What every process of Sluice needs whatever it does: files that survive a power cut, locks
 * between processes, pauses after failures, the clock that all judge by, the admin socket, the port
 * for metrics and probes, and how much is logged.
 *
 * <p>Knows nothing of what is in the files, asked or measured, and of the mesh only how addresses
 * are written, what a clock is worth and what is to be logged. Start reading at {@code DurableFile}
 * and {@code AdminServer}.
 */
@NullMarked
package io.sluice.process;

import org.jspecify.annotations.NullMarked;
