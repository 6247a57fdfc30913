package io.sluice.control.objects;

/** A Namespace ({@code v1}); only its labels and annotations matter. */
public record Namespace(ObjectMeta meta) implements KubernetesObject {}
