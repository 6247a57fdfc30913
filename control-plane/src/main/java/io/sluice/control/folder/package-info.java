/**
 * A watched folder of ordinary Kubernetes manifests as a source of snapshots.
 *
 * <p>Owns the watching thread and the last good content of every file. Start reading at {@link
 * io.sluice.control.folder.FolderRegistry}.
 */
@NullMarked
package io.sluice.control.folder;

import org.jspecify.annotations.NullMarked;
