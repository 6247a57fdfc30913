/**
 * Measures a daemon on this machine: its data path as a ratio to the direct path of the same run,
 * and its memory, start and CPU time. Owns the load generators and the namespaces they run in;
 * nothing of the product depends on it. Start reading at {@link io.sluice.benchmarks.BenchCommand}.
 */
@NullMarked
package io.sluice.benchmarks;

import org.jspecify.annotations.NullMarked;
