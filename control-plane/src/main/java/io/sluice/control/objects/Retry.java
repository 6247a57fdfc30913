package io.sluice.control.objects;

import io.sluice.mesh.RetryPolicy;

/**
 * A Retry of OSM ({@code policy.openservicemesh.io/v1alpha1}).
 *
 * @param meta name and origin
 * @param policy what it says
 */
public record Retry(ObjectMeta meta, RetryPolicy policy) implements KubernetesObject {}
