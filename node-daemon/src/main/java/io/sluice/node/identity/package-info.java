/**
 * The node's own certificate and those of the pods on it: asked for in time, renewed, kept, handed
 * to the data path.
 *
 * <p>Private keys are made here and leave this process only sealed. What is wanted comes from
 * snapshots; who may have it, the controller decides. The SPIFFE Workload API would attach to
 * {@link io.sluice.node.identity.NodeIdentities}: it has every X.509-SVID with its key and bundle,
 * and would add a socket that finds a caller's pod by its process. Start reading there, then {@code
 * IdentityKeeper}.
 */
@NullMarked
package io.sluice.node.identity;

import org.jspecify.annotations.NullMarked;
