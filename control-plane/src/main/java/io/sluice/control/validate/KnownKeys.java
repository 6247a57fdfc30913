package io.sluice.control.validate;

import io.sluice.control.manifest.YamlValue;
import io.sluice.control.objects.MeshKey;
import io.sluice.control.objects.MeshKey.Form;
import io.sluice.control.validate.Finding.Level;
import io.sluice.control.validate.KnownFields.Unknown;
import io.sluice.mesh.Spelling;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.BiConsumer;
import java.util.stream.Stream;

/**
 * The labels and annotations of the mesh's own domain, so that a misspelt one is found, and of the
 * domains of OSM and FSM those that are a slip away from one that is read: of any object, and of
 * the pods that it is a template of.
 */
final class KnownKeys {
  private static final String OWN = "sluice.io/";

  /** The others are of meshes that have keys of their own beside those that are read here. */
  private static final List<String> DOMAINS = List.of(OWN, "openservicemesh.io/", "flomesh.io/");

  /** Of one domain in one place: to look for what was meant costs, and a stranger writes them. */
  private static final int MOST_LOOKED_AT = 16;

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
    for (String domain : DOMAINS) {
      List<String> known = known(domain, form);
      keys.entries().entrySet().stream()
          .filter(entry ->
              entry.getKey().startsWith(domain)
                  && !WRITTEN.contains(entry.getKey())
                  && !known.contains(entry.getKey()))
          .limit(MOST_LOOKED_AT)
          .forEach(entry -> {
            String key = entry.getKey();
            Optional<String> mend = mend(key, domain, form);
            if (domain.equals(OWN) || mend.isPresent()) {
              unknown.accept(
                  new Unknown(
                      path + "." + field + "[\"" + key + "\"]",
                      reason(key, domain, form),
                      mend.orElse(
                          "remove it; docs/reference/annotations.md lists those that it has"),
                      domain.equals(OWN) ? Level.ERROR : Level.WARNING),
                  entry.getValue());
            }
          });
    }
  }

  private static List<String> known(String domain, Form form) {
    return Arrays.stream(MeshKey.values())
        .filter(key -> key.form() == form)
        .flatMap(key -> key.keys().stream())
        .filter(key -> key.startsWith(domain))
        .toList();
  }

  private static Form other(Form form) {
    return form == Form.LABEL ? Form.ANNOTATION : Form.LABEL;
  }

  private static String reason(String key, String domain, Form form) {
    if (known(domain, other(form)).contains(key)) {
      return form == Form.LABEL ? "is an annotation, not a label" : "is a label, not an annotation";
    }
    return "the mesh has no such " + (form == Form.LABEL ? "label" : "annotation");
  }

  /** Where the key is one of the other form, or a slip away from one. */
  private static Optional<String> mend(String key, String domain, Form form) {
    if (known(domain, other(form)).contains(key)) {
      return Optional.of("put it below " + (form == Form.LABEL ? "annotations" : "labels"));
    }
    List<String> words =
        Stream.concat(known(domain, form).stream(), known(domain, other(form)).stream())
            .map(known -> known.substring(domain.length()))
            .toList();
    return Spelling.nearest(key.substring(domain.length()), words)
        .map(word -> "did you mean '" + domain + word + "'?");
  }
}
