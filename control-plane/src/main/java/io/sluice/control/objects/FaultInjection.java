package io.sluice.control.objects;

import io.sluice.mesh.Faults;

/**
 * A FaultInjection of FSM ({@code extension.gateway.flomesh.io/v1alpha1}), which rules of routes of
 * its namespace name.
 */
public record FaultInjection(ObjectMeta meta, Faults faults) implements KubernetesObject {}
