/**
 * What the CNI client decides by while no daemon answers: a small file that says, per namespace,
 * whether a pod may start without the mesh.
 *
 * <p>Decides nothing about pods that the daemon can be asked about. Start reading at {@code
 * Membership}; {@code MembershipFile} is its form on disk.
 */
@NullMarked
package io.sluice.cni.membership;

import org.jspecify.annotations.NullMarked;
