package io.sluice.benchmarks;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.EnumSet;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Other proxies that are measured between nodes.
 *
 * @param crossings of theirs
 * @param hboneOrNull the program of {@link Crossing#HBONE}; null where that is none of them
 */
record Peers(Set<Crossing> crossings, @Nullable Path hboneOrNull) {
  Peers {
    crossings = Collections.unmodifiableSet(crossings);
  }

  /**
   * @param debian whether haproxy and nginx are
   * @throws IllegalArgumentException for what cannot be started; a sentence
   */
  static Peers of(boolean debian, @Nullable Path hboneOrNull) {
    Set<Crossing> crossings = EnumSet.noneOf(Crossing.class);
    if (debian) {
      crossings.add(Crossing.HAPROXY);
      crossings.add(Crossing.NGINX);
    }
    if (hboneOrNull == null) {
      return new Peers(crossings, null);
    }
    Path program = hboneOrNull.toAbsolutePath();
    if (!Files.isRegularFile(program)) {
      throw new IllegalArgumentException("no such file: " + program);
    }
    if (!Files.isExecutable(program)) {
      throw new IllegalArgumentException(program + " is not executable: chmod +x makes it so");
    }
    crossings.add(Crossing.HBONE);
    return new Peers(crossings, program);
  }

  /** Those that can decide requests. */
  Peers ofHttp() {
    Set<Crossing> others = EnumSet.noneOf(Crossing.class);
    others.addAll(crossings);
    others.remove(Crossing.HBONE);
    return new Peers(others, null);
  }
}
