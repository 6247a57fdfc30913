/**
 * What the controller writes to the objects of a cluster: conditions that say whether the mesh acts
 * on an object, and whether every node does; and Events that tell how each node intercepts.
 *
 * <p>Reads nothing from the cluster: objects come from the registry. Start reading at {@link
 * io.sluice.control.conditions.StatusWriter}; what is said is decided in {@link
 * io.sluice.control.conditions.Verdicts}.
 */
@NullMarked
package io.sluice.control.conditions;

import org.jspecify.annotations.NullMarked;
