package io.sluice.benchmarks;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.EnumSet;
import java.util.Optional;
import java.util.Set;

/**
 * Other proxies that are measured between nodes.
 *
 * @param crossings of theirs
 * @param hbone the program of {@link Crossing#HBONE}, where that is one of them
 */
record Peers(Set<Crossing> crossings, Optional<Path> hbone) {
  Peers {
    crossings = Collections.unmodifiableSet(crossings);
  }

  /**
   * @param debian whether haproxy and nginx are
   * @throws IllegalArgumentException for what cannot be started; a sentence
   */
  static Peers of(boolean debian, Optional<Path> hbone) {
    Set<Crossing> crossings = EnumSet.noneOf(Crossing.class);
    if (debian) {
      crossings.add(Crossing.HAPROXY);
      crossings.add(Crossing.NGINX);
    }
    if (hbone.isPresent()) {
      Path program = hbone.get();
      if (!Files.isRegularFile(program)) {
        throw new IllegalArgumentException("no such file: " + program);
      }
      if (!Files.isExecutable(program)) {
        throw new IllegalArgumentException(program + " is not executable: chmod +x makes it so");
      }
      crossings.add(Crossing.HBONE);
    }
    return new Peers(crossings, hbone.map(Path::toAbsolutePath));
  }

  /** Those that can decide requests. */
  Peers ofHttp() {
    Set<Crossing> others = EnumSet.noneOf(Crossing.class);
    others.addAll(crossings);
    others.remove(Crossing.HBONE);
    return new Peers(others, Optional.empty());
  }
}
