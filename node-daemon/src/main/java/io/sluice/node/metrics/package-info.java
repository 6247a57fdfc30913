/**
 * Metrics and health of the node daemon, in Prometheus' text format.
 *
 * <p>The only place that knows the metrics library. Labels come from enums, from enrolled pods and
 * from the workloads and services of the snapshot, and are bounded. Start reading at {@link
 * io.sluice.node.metrics.NodeMetrics}.
 */
@NullMarked
package io.sluice.node.metrics;

import org.jspecify.annotations.NullMarked;
