package io.sluice.control.xds.translate;

import io.sluice.mesh.SpiffeId;

/**
 * Who asks.
 *
 * @param identity what the client's certificate proves: a workload's, or a node's
 * @param certificateProvider where the client keeps certificate and roots, by a name of its own;
 *     empty where it says of none, and then it is told of no TLS
 */
public record Asker(SpiffeId identity, String certificateProvider) {}
