package io.sluice.node.handover;

import io.sluice.mesh.decision.Direction;

/**
 * A listener inside a pod on its way to another process.
 *
 * @param netnsCookie of the pod's network namespace
 * @param direction what its accepted connections are
 * @param fd owned by whoever has this
 */
public record HandedListener(long netnsCookie, Direction direction, int fd) {}
