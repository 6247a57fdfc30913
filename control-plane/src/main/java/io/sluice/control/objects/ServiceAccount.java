package io.sluice.control.objects;

/** A ServiceAccount ({@code v1}); identities are made of its name. */
public record ServiceAccount(ObjectMeta meta) implements KubernetesObject {}
