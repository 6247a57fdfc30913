package io.sluice.control.compile;

import io.sluice.control.manifest.WrittenDuration;
import io.sluice.control.objects.EnrolmentWords;
import io.sluice.control.objects.KubernetesObject;
import io.sluice.control.objects.MeshKey;
import io.sluice.mesh.WarmUp;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * What a Pod, a Service or a Namespace says of how new endpoints warm up, in FSM's annotations. The
 * first of them in that order that has {@code traffic-warmup-enable} says all of it.
 *
 * @param said whether it says anything
 * @param warmUpOrNull null where nothing warms up
 */
record WarmUpWords(boolean said, @Nullable WarmUp warmUpOrNull) {
  static final WarmUpWords NONE = new WarmUpWords(false, null);

  /** Those of FSM. */
  static final WarmUp DEFAULT = new WarmUp(0, Duration.ofSeconds(90), 10, 100, 1);

  private static final List<MeshKey> SHAPE =
      List.of(
          MeshKey.WARM_UP_DURATION,
          MeshKey.WARM_UP_MIN,
          MeshKey.WARM_UP_MAX,
          MeshKey.WARM_UP_AGGRESSION);

  /** The words of {@code object}; in place of a wrong one, which is told, the default holds. */
  static WarmUpWords of(KubernetesObject object, Statuses statuses) {
    Word enable = word(object, MeshKey.WARM_UP_ENABLE);
    if (enable == null) {
      SHAPE.stream()
          .map(key -> word(object, key))
          .filter(word -> word != null)
          .findFirst()
          .ifPresent(word ->
              wrong(
                  object,
                  word,
                  "says nothing without " + MeshKey.WARM_UP_ENABLE.keys().getFirst(),
                  "add that annotation, or remove this one",
                  statuses));
      return NONE;
    }
    Optional<Boolean> wanted = EnrolmentWords.enrols(enable.text());
    if (wanted.isEmpty()) {
      wrong(
          object,
          enable,
          "'" + enable.text() + "' is no such word, so disabled holds",
          "write enabled or disabled",
          statuses);
    }
    return new WarmUpWords(true, wanted.orElse(false) ? shape(object, statuses) : null);
  }

  private static WarmUp shape(KubernetesObject object, Statuses statuses) {
    WarmUp usual = DEFAULT;
    Duration duration =
        value(
            object,
            MeshKey.WARM_UP_DURATION,
            "`1s` to `1h`, such as `90s` or `1m30s`",
            usual.duration(),
            statuses,
            text ->
                new WarmUp(
                        0,
                        WrittenDuration.parseParts(text),
                        usual.minPercent(),
                        usual.maxPercent(),
                        usual.aggression())
                    .duration());
    int most =
        value(
            object,
            MeshKey.WARM_UP_MAX,
            "1 to 100, no less than the least",
            usual.maxPercent(),
            statuses,
            text -> {
              int percent = Integer.parseInt(text);
              int least = Math.min(usual.minPercent(), percent);
              return new WarmUp(0, duration, least, percent, usual.aggression()).maxPercent();
            });
    int least =
        value(
            object,
            MeshKey.WARM_UP_MIN,
            "0 to 100",
            Math.min(usual.minPercent(), most),
            statuses,
            text ->
                new WarmUp(0, duration, Integer.parseInt(text), most, usual.aggression())
                    .minPercent());
    double aggression =
        value(
            object,
            MeshKey.WARM_UP_AGGRESSION,
            "1 to 100, such as 1.5",
            usual.aggression(),
            statuses,
            text -> new WarmUp(0, duration, least, most, Double.parseDouble(text)).aggression());
    return new WarmUp(0, duration, least, most, aggression);
  }

  private static <T> T value(
      KubernetesObject object,
      MeshKey key,
      String values,
      T otherwise,
      Statuses statuses,
      Function<String, T> parse) {
    Word word = word(object, key);
    if (word == null) {
      return otherwise;
    }
    try {
      return parse.apply(word.text());
    } catch (IllegalArgumentException e) {
      wrong(
          object,
          word,
          "'" + word.text() + "' is no such value, so the default holds",
          "write " + values,
          statuses);
      return otherwise;
    }
  }

  private record Word(String key, String text) {}

  private static @Nullable Word word(KubernetesObject object, MeshKey key) {
    for (String each : key.keys()) {
      String text = object.meta().annotations().get(each);
      if (text != null) {
        return new Word(each, text);
      }
    }
    return null;
  }

  private static void wrong(
      KubernetesObject object, Word word, String problem, String mend, Statuses statuses) {
    statuses
        .on(Ground.WORD_UNKNOWN)
        .warning(object, "metadata.annotations[\"" + word.key() + "\"]", problem, mend);
  }

  /** Whether {@code object} says anything; costs less than what it says. */
  static boolean isSaidBy(KubernetesObject object) {
    return word(object, MeshKey.WARM_UP_ENABLE) != null;
  }

  /** These words, and {@code other} where nothing is said. */
  WarmUpWords or(WarmUpWords other) {
    return said ? this : other;
  }
}
