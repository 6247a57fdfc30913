package io.sluice.mesh;

/**
 * What decided over a flow, as people are told of it: an object whose kind the reason tells, or a
 * part of one, or several. Printed by {@code toString}, when somebody is told.
 */
public sealed interface Decider
    permits NamespacedName, Faults.Injection, TrafficRoute.Place, TrafficRoute.Unmatched {}
