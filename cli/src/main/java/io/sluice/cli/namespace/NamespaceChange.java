package io.sluice.cli.namespace;

import io.sluice.control.objects.MeshKey;
import java.util.Optional;

/**
 * What namespaces are to say from now on, in the words of Open Service Mesh; empty texts for what
 * is to be taken away.
 */
record NamespaceChange(String mesh, String injection) {
  /** Empty where the namespace says so already. */
  Optional<NamespaceEdit> from(Membership before) {
    boolean isSaid =
        before.mesh().equals(mesh)
            && before.injection().equals(injection)
            && before.label().isEmpty();
    if (isSaid) {
      return Optional.empty();
    }
    String result = mesh.isEmpty() ? "removed" : before.isStated() ? "changed" : "added";
    NamespaceEdit edit =
        NamespaceEdit.of(result).without(MeshKey.MESH); // it would stand above the words
    say(edit, MeshKey.MONITORED_BY, mesh);
    say(edit, MeshKey.INJECTION, injection);
    return Optional.of(edit);
  }

  private static void say(NamespaceEdit edit, MeshKey key, String word) {
    if (word.isEmpty()) {
      edit.without(key);
    } else {
      edit.with(key, word);
    }
  }
}
