/**
 * Which pods of this node are in the mesh: follows the snapshots, finds the pods' namespaces,
 * enrols, updates and releases.
 *
 * <p>All of it happens on one thread, so that the order of map writes is the order of the code.
 * Start reading at {@link io.sluice.node.enrolment.Enrolment}.
 */
@NullMarked
package io.sluice.node.enrolment;

import org.jspecify.annotations.NullMarked;
