package io.sluice.interception;

import io.sluice.interception.DatagramGrants.Peer;
import io.sluice.interception.maps.DatagramCountsValue;
import io.sluice.mesh.decision.Direction;

/**
 * What has gone between a pod of this node and one peer by grants, of all ports together.
 *
 * @param netnsCookie the pod
 * @param direction of the grants, as the pod sees it
 * @param counts since the pod is enrolled
 */
public record DatagramCount(
    long netnsCookie, Direction direction, Peer peer, DatagramCountsValue counts) {}
