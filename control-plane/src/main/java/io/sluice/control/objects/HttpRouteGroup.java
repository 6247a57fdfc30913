package io.sluice.control.objects;

/** An SMI HTTPRouteGroup ({@code specs.smi-spec.io/v1alpha4}), whose rules are not enforced yet. */
public record HttpRouteGroup(ObjectMeta meta) implements KubernetesObject {}
