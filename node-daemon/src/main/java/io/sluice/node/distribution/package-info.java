/**
 * What the controller tells this node, as a source of snapshots: each change is taken as a whole or
 * refused as a whole, and what was in force stays in force while the controller is out of reach.
 *
 * <p>Owns the stream and what the node holds; keeps nothing on disk. Start reading at {@link
 * io.sluice.node.distribution.ControllerSnapshots}.
 */
@NullMarked
package io.sluice.node.distribution;

import org.jspecify.annotations.NullMarked;
