package io.sluice.control.objects;

import io.sluice.control.manifest.Fields;
import java.util.Map;

/** Reads {@code metadata}. */
final class MetaReader {
  /** Where Kubernetes puts an object that names no namespace. */
  static final String DEFAULT_NAMESPACE = "default";

  private MetaReader() {}

  /** Metadata of an object that the mesh reads. */
  static ObjectMeta read(Fields document, String group, String kind, boolean namespaced) {
    var metadata = document.requiredObject("metadata");
    String name =
        metadata
            .flatMap(fields ->
                fields.requiredParsed(
                    "name",
                    kind.equals("Namespace") ? Rfc1123::label : Rfc1123::subdomain,
                    Rfc1123.MEND))
            .orElse("");
    String namespace =
        namespaced
            ? metadata
                .flatMap(fields -> fields.parsed("namespace", Rfc1123::label, Rfc1123.MEND))
                .orElse(DEFAULT_NAMESPACE)
            : "";
    return new ObjectMeta(
        new ObjectRef(group, kind, namespace, name),
        metadata.map(fields -> fields.texts("labels")).orElse(Map.of()),
        metadata.map(fields -> ours(fields.texts("annotations"))).orElse(Map.of()),
        metadata.map(fields -> fields.has("deletionTimestamp")).orElse(false),
        metadata.map(MetaReader::birth).orElse(Birth.NOT_SAID),
        document.file(),
        document.line());
  }

  private static Birth birth(Fields metadata) {
    long second =
        metadata
            .parsed("creationTimestamp", Birth::second, "write it as the API server gave it")
            .orElse(Birth.UNKNOWN);
    String uid = metadata.text("uid").orElse("");
    return second == Birth.UNKNOWN && uid.isEmpty() ? Birth.NOT_SAID : new Birth(second, uid);
  }

  /** Others may be as long as the object: kubectl keeps a copy of it in one. */
  private static Map<String, String> ours(Map<String, String> annotations) {
    annotations.keySet().removeIf(key -> !MeshKey.isOfAMesh(key));
    return annotations;
  }

  /** Metadata of an object that the mesh does not read, whatever it looks like. */
  static ObjectMeta readLeniently(Fields document, Fields metadata, String group, String kind) {
    return new ObjectMeta(
        new ObjectRef(
            group, kind, metadata.text("namespace").orElse(""), metadata.text("name").orElse("")),
        Map.of(),
        Map.of(),
        false,
        Birth.NOT_SAID,
        document.file(),
        document.line());
  }
}
