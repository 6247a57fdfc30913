/**
 * The TrafficMetrics API of the Service Mesh Interface ({@code metrics.smi-spec.io/v1alpha1}): an
 * aggregated API, which the cluster's API server asks at the webhook's port in the name of its own
 * callers.
 *
 * <p>Nothing is kept here: nodes count, and are asked when somebody asks. Start reading at {@link
 * io.sluice.control.traffic.TrafficApi}.
 */
@NullMarked
package io.sluice.control.traffic;

import org.jspecify.annotations.NullMarked;
