package io.sluice.control.validate;

import io.sluice.control.manifest.YamlValue;
import io.sluice.control.objects.MeshKey;
import io.sluice.control.objects.MeshKey.Form;
import io.sluice.control.validate.KnownFields.Unknown;
import io.sluice.mesh.Spelling;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.function.BiConsumer;
import java.util.stream.Stream;

/**
 * The labels and annotations of the mesh's own domain, so that a misspelt one is found: of any
 * object, and of the pods that it is a template of.
 */
final class KnownKeys {
  private static final String DOMAIN = "sluice.io/";

  /** Those that the mesh writes itself. */
  private static final Set<String> WRITTEN =
      Set.of(
          "sluice.io/architecture",
          "sluice.io/authority-checksum",
          "sluice.io/certificate-provider",
          "sluice.io/controller",
          "sluice.io/identity",
          "sluice.io/interception",
          "sluice.io/sbom");

  private KnownKeys() {}

  /** Tells {@code unknown} of each key below {@code value} that nobody knows, and its value. */
  static void check(YamlValue value, String path, BiConsumer<Unknown, YamlValue> unknown) {
    switch (value) {
      case YamlValue.Mapping mapping ->
          mapping
              .entries()
              .forEach((name, inner) -> {
                String inside = path.isEmpty() ? name : path + "." + name;
                if (name.equals("metadata") && inner instanceof YamlValue.Mapping metadata) {
                  check(metadata, inside, "labels", Form.LABEL, unknown);
                  check(metadata, inside, "annotations", Form.ANNOTATION, unknown);
                } else {
                  check(inner, inside, unknown);
                }
              });
      case YamlValue.Sequence list -> {
        for (int i = 0; i < list.items().size(); i++) {
          check(list.items().get(i), path + "[" + i + "]", unknown);
        }
      }
      case YamlValue.Scalar _ -> {}
    }
  }

  private static void check(
      YamlValue.Mapping metadata,
      String path,
      String field,
      Form form,
      BiConsumer<Unknown, YamlValue> unknown) {
    if (!(metadata.entries().get(field) instanceof YamlValue.Mapping keys)) {
      return;
    }
    keys.entries()
        .forEach((key, value) -> {
          if (key.startsWith(DOMAIN) && !WRITTEN.contains(key) && !known(form).contains(key)) {
            String inside = path + "." + field + "[\"" + key + "\"]";
            unknown.accept(new Unknown(inside, reason(key, form), mend(key, form)), value);
          }
        });
  }

  private static List<String> known(Form form) {
    return Arrays.stream(MeshKey.values())
        .filter(key -> key.form() == form)
        .flatMap(key -> key.keys().stream())
        .filter(key -> key.startsWith(DOMAIN))
        .toList();
  }

  private static Form other(Form form) {
    return form == Form.LABEL ? Form.ANNOTATION : Form.LABEL;
  }

  private static String reason(String key, Form form) {
    if (known(other(form)).contains(key)) {
      return form == Form.LABEL ? "is an annotation, not a label" : "is a label, not an annotation";
    }
    return "the mesh has no such " + (form == Form.LABEL ? "label" : "annotation");
  }

  private static String mend(String key, Form form) {
    if (known(other(form)).contains(key)) {
      return "put it below " + (form == Form.LABEL ? "annotations" : "labels");
    }
    List<String> all = Stream.concat(known(form).stream(), known(other(form)).stream()).toList();
    return Spelling.nearest(key.substring(DOMAIN.length()), words(all))
        .map(word -> "did you mean '" + DOMAIN + word + "'?")
        .orElse("remove it; docs/reference/annotations.md lists those that it has");
  }

  private static List<String> words(List<String> keys) {
    return keys.stream().map(key -> key.substring(DOMAIN.length())).toList();
  }
}
