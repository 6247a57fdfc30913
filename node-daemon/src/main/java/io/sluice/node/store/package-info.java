/**
 * The node's newest snapshot on its disk, so that a start needs no controller. Knows files, their
 * format and how old a snapshot is; decides nothing about traffic. Start reading at {@link
 * io.sluice.node.store.StoredFirst}, then {@link io.sluice.node.store.SnapshotStore}.
 */
@NullMarked
package io.sluice.node.store;

import org.jspecify.annotations.NullMarked;
