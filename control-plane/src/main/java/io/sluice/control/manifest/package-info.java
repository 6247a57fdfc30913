/**
 * Manifests as text: YAML 1.2 and JSON files become small immutable trees in which every value
 * knows its line.
 *
 * <p>Knows nothing of Kubernetes kinds. Start reading at {@link
 * io.sluice.control.manifest.YamlDocuments}.
 */
@NullMarked
package io.sluice.control.manifest;

import org.jspecify.annotations.NullMarked;
