package io.sluice.chaos;

import io.sluice.control.compile.ObjectStatus;
import io.sluice.control.registry.RegistryStatus;
import io.sluice.control.registry.RegistryStatus.OriginStatus;
import java.util.ArrayList;
import java.util.List;

/** The status of a registry as lines, in order, without the place where an object was read. */
final class StatusLines {
  private StatusLines() {}

  /** Of a registry that runs. */
  static List<String> of(RegistryStatus status) {
    List<String> lines = new ArrayList<>();
    if (!status.complete()) {
      lines.add("incomplete");
    }
    status.sourceProblems().forEach(problem -> lines.add("source " + problem));
    status.origins().stream().map(OriginStatus::origin).forEach(name -> lines.add(unread(name)));
    lines.addAll(of(status.objects()));
    return lines;
  }

  /** An object whose present content cannot be read. */
  static String unread(String object) {
    return "unread " + object;
  }

  /** Whether a line tells of reading objects, and not of what they come to. */
  static boolean isOfReading(String line) {
    return !line.startsWith("object ");
  }

  /** What a compiler has to say. */
  static List<String> of(List<ObjectStatus> objects) {
    return objects.stream()
        .map(status ->
            String.join(
                "; ",
                "object " + status.object().group() + " " + status.object(),
                status.severity().toString(),
                status.field(),
                status.reason(),
                status.mend()))
        .toList();
  }
}
