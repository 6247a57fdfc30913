package io.sluice.node;

import io.sluice.mesh.LogLevels;
import io.sluice.process.Logs;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.Optional;

/**
 * What {@code proxy set} asks of a daemon: from which level on it logs, or to say so.
 *
 * @param query as Envoy's admin interface has it: {@code logging}, or {@code logging?level=} and a
 *     level, or {@code default} for what the MeshConfig says
 * @param time for which it holds; no longer than the process runs
 */
public record LogChange(String query, Duration time) {
  private static final String LOOK = "logging";
  private static final String LEVEL = "logging?level=";
  private static final String DEFAULT = "default";

  /** What is forgotten fills a disk, or hides what happens. */
  private static final Duration LONGEST = Duration.ofHours(24);

  public LogChange {
    if (!query.equals(LOOK)) {
      if (!query.startsWith(LEVEL)) {
        throw new IllegalArgumentException(
            "'" + query + "' cannot be set: write " + LOOK + " or '" + LEVEL + "LEVEL'");
      }
      String word = query.substring(LEVEL.length());
      if (!word.equals(DEFAULT) && LogLevels.level(word).isEmpty()) {
        throw new IllegalArgumentException(
            "'%s' is no level: write %s, or %s for what the MeshConfig says"
                .formatted(word, LogLevels.WORDS, DEFAULT));
      }
    }
    if (time.toSeconds() < 1 || time.compareTo(LONGEST) > 0) {
      throw new IllegalArgumentException(
          "%d s is outside 1 s to %d h".formatted(time.toSeconds(), LONGEST.toHours()));
    }
  }

  /** As the admin socket carries it. */
  public String toText() {
    return query + " " + time.toSeconds();
  }

  /**
   * Reads that.
   *
   * @throws IllegalArgumentException where it is none
   */
  static LogChange parse(String text) {
    int space = text.indexOf(' ');
    return new LogChange(
        text.substring(0, Math.max(0, space)),
        Duration.ofSeconds(Long.parseLong(text.substring(space + 1))));
  }

  /** Does it to this process, and says on several lines what holds then. */
  String apply() {
    if (query.startsWith(LEVEL)) {
      Optional<Level> level = LogLevels.level(query.substring(LEVEL.length()));
      level.ifPresentOrElse(one -> Logs.hold(new LogLevels(one, one), time), Logs::release);
    }
    Logs.InForce now = Logs.inForce();
    return lines(now.levels(), "")
        + (now.left().isZero()
            ? "as the MeshConfig says\n"
            : "for %d s, then\n".formatted(now.left().toSeconds()) + lines(now.usual(), "  "));
  }

  private static String lines(LogLevels levels, String before) {
    return "%3$sio.sluice: %1$s\n%3$sio.sluice.proxy: %2$s\n"
        .formatted(LogLevels.word(levels.mesh()), LogLevels.word(levels.proxies()), before);
  }
}
