package io.sluice.control.objects;

import io.sluice.control.manifest.Fields;
import io.sluice.control.manifest.WrittenDuration;
import io.sluice.mesh.Faults;
import io.sluice.mesh.Faults.Abort;
import io.sluice.mesh.Faults.Delay;
import io.sluice.mesh.HttpFilters.Action;
import io.sluice.mesh.HttpFilters.FieldChange;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Reads a FaultInjection. */
final class FaultReader {
  static final String GROUP = "extension.gateway.flomesh.io";
  static final String KIND = "FaultInjection";

  private static final String MIN = "min";
  private static final String HEADERS = "headers";
  private static final String BODY = "body";

  private FaultReader() {}

  static FaultInjection read(Fields document, ObjectMeta meta) {
    Fields spec = document.objectOrEmpty("spec");
    return new FaultInjection(
        meta,
        new Faults(
            new Faults.Injection(meta.namespacedName()),
            spec.has("delay") ? delay(spec.objectOrEmpty("delay")) : null,
            spec.has("abort") ? abort(spec.objectOrEmpty("abort")) : null));
  }

  private static @Nullable Delay delay(Fields fields) {
    int percentage = percentage(fields);
    long min = millis(fields, MIN);
    long max = millis(fields, "max");
    if (min > max) {
      fields.problem(
          MIN,
          min + " ms is longer than max, which is " + max + " ms",
          "write a min that is not longer; each is 1s where it is absent");
      return null;
    }
    return new Delay(percentage, min, max);
  }

  private static int percentage(Fields fields) {
    if (!fields.has("percentage")) {
      fields.problem("percentage", "the field is missing", "write 0 to 100");
    }
    return fields.whole("percentage", "a percentage", 0, 100).orElse(0L).intValue();
  }

  private static long millis(Fields fields, String name) {
    return fields
        .parsed(
            name,
            text -> {
              long millis = WrittenDuration.parseParts(text).toMillis();
              if (millis > Delay.MOST_MILLIS) {
                throw new IllegalArgumentException(text + " is more than 30s");
              }
              return millis;
            },
            "write a duration up to 30s, such as 200ms or 1s500ms")
        .orElse(Delay.DEFAULT_MILLIS);
  }

  private static Abort abort(Fields fields) {
    Fields response = fields.objectOrEmpty("response");
    String content = response.text(BODY).orElse(Abort.DEFAULT_CONTENT);
    if (content.length() > Abort.MOST_CONTENT) {
      response.problem(
          BODY, "it has more than " + Abort.MOST_CONTENT + " characters", "write a shorter one");
      content = "";
    }
    return new Abort(
        percentage(fields),
        response
            .whole("status", "a status", 200, 599)
            .orElse((long) Abort.DEFAULT_STATUS)
            .intValue(),
        headers(response),
        content);
  }

  private static List<FieldChange> headers(Fields response) {
    List<FieldChange> headers = new ArrayList<>();
    response
        .texts(HEADERS)
        .forEach((name, value) -> {
          try {
            headers.add(new FieldChange(Action.ADD, name, value));
          } catch (IllegalArgumentException e) {
            response.problem(HEADERS, String.valueOf(e.getMessage()), "write another header");
          }
        });
    int length = headers.stream().mapToInt(one -> one.name().length() + one.value().length()).sum();
    if (headers.size() > Abort.MOST_HEADERS || length > Abort.MOST_CONTENT) {
      response.problem(
          HEADERS,
          "there are more than "
              + Abort.MOST_HEADERS
              + ", or "
              + Abort.MOST_CONTENT
              + " characters",
          "write fewer, or shorter ones: each rule that names this has them all");
      headers.clear();
    }
    return headers;
  }
}
