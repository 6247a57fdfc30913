package io.sluice.control.authority.builtin;

import io.sluice.control.authority.IssueJournal;
import io.sluice.control.authority.IssueJournal.JournalLimits;
import io.sluice.control.authority.TestClock;
import io.sluice.control.authority.svid.Issuer;
import io.sluice.control.authority.svid.SigningKey;
import io.sluice.control.authority.svid.SvidProfile;
import io.sluice.mesh.TrustDomain;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.stream.Stream;

/** A built-in authority in a directory of a test, with a clock of its own. */
record Site(Path home, TestClock clock) {
  static final Instant BEGIN = Instant.parse("2026-06-01T12:00:00Z");
  static final Duration LONGEST_LEAF = Duration.ofHours(24);
  static final Duration DISTRIBUTE = Duration.ofHours(6);

  static Site in(Path home) {
    return new Site(home, new TestClock(BEGIN));
  }

  BuiltInAuthority open() {
    return open(Optional.empty());
  }

  BuiltInAuthority open(Optional<Issuer> imported) {
    return open(imported, "site.example");
  }

  BuiltInAuthority open(Optional<Issuer> imported, String trustDomain) {
    BuiltInSettings settings =
        new BuiltInSettings(
            keys(),
            new SvidProfile(new TrustDomain(trustDomain), false, true),
            SigningKey.P256,
            LONGEST_LEAF,
            DISTRIBUTE);
    IssueJournal journal = IssueJournal.open(home.resolve("journal"), JournalLimits.DEFAULT);
    return BuiltInAuthority.open(settings, imported, journal, clock);
  }

  Path keys() {
    return home.resolve("keys");
  }

  Path file(String prefix) throws IOException {
    try (Stream<Path> files = Files.list(keys())) {
      return files
          .filter(file -> file.getFileName().toString().startsWith(prefix))
          .findFirst()
          .orElseThrow();
    }
  }
}
