package io.sluice.reference;

import io.sluice.control.objects.MeshKey;
import io.sluice.control.objects.MeshKey.Form;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;

/** The page of labels and annotations. */
final class AnnotationReference {
  private AnnotationReference() {}

  static String text() {
    return """
    # Labels and annotations

    What the mesh reads in `metadata` of Kubernetes objects. Keys of one row mean the same. The controller reads no other
    of the objects that it follows.
    What enrols a pod, and which word wins: [interception](../interception.md), [migration](../migration.md).

    ## Labels

    %s
    ## Annotations

    %s
    ## Known and not there yet

    %s\
    """
        .formatted(
            table(keys(Form.LABEL, true)),
            table(keys(Form.ANNOTATION, true)),
            table(keys(Form.ANNOTATION, false)));
  }

  private static List<MeshKey> keys(Form form, boolean enforced) {
    return Arrays.stream(MeshKey.values())
        .filter(key -> key.form() == form && key.isEnforced() == enforced)
        .toList();
  }

  private static MarkdownTable table(List<MeshKey> keys) {
    MarkdownTable table = new MarkdownTable("Key", "On", "Values", "Effect");
    for (MeshKey key : keys) {
      String names =
          key.keys().stream().map(name -> "`" + name + "`").collect(Collectors.joining(", "));
      table.row(names, key.objects(), key.valuesText(), key.meaning());
    }
    return table;
  }
}
