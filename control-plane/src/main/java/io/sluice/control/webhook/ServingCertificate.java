package io.sluice.control.webhook;

import io.sluice.control.authority.svid.Pem;
import io.sluice.control.tls.HandshakeKeys.Presented;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;

/**
 * What the webhook shows the API server: a certificate chain and its key in two PEM files, read
 * again after they were replaced. Any thread; reads files.
 */
public final class ServingCertificate {
  private static final Logger LOG = System.getLogger(ServingCertificate.class.getName());
  private static final Duration LOOK_AGAIN = Duration.ofSeconds(5);

  private final Path chainFile;
  private final Path keyFile;
  private final InstantSource clock;
  private Presented presented;
  private List<FileTime> readAs;
  private Instant lookAt;

  private ServingCertificate(Path chainFile, Path keyFile, InstantSource clock) {
    this.chainFile = chainFile;
    this.keyFile = keyFile;
    this.clock = clock;
    try {
      this.readAs = times();
    } catch (IOException e) {
      throw new UncheckedIOException("the webhook's certificate cannot be read", e);
    }
    this.presented = read();
    this.lookAt = clock.instant().plus(LOOK_AGAIN);
  }

  /**
   * Reads two files: PEM; the key without a pass phrase.
   *
   * @throws IllegalArgumentException naming what is wrong with them
   */
  public static ServingCertificate of(Path chainFile, Path keyFile, InstantSource clock) {
    return new ServingCertificate(chainFile, keyFile, clock);
  }

  /** What a handshake shows now. While replaced files cannot be used, what they held before. */
  synchronized Presented present() {
    Instant now = clock.instant();
    if (!now.isBefore(lookAt)) {
      lookAt = now.plus(LOOK_AGAIN);
      try {
        List<FileTime> times = times();
        if (!times.equals(readAs)) {
          presented = read();
          readAs = times;
          LOG.log(Level.INFO, "webhook_certificate_read file={0}", chainFile);
        }
      } catch (IOException | RuntimeException e) {
        LOG.log(Level.WARNING, "webhook_certificate_kept file={0} {1}", chainFile, e.getMessage());
      }
    }
    return presented;
  }

  private List<FileTime> times() throws IOException {
    return List.of(Files.getLastModifiedTime(chainFile), Files.getLastModifiedTime(keyFile));
  }

  private Presented read() {
    Pem chain = Pem.parse(text(chainFile), chainFile.toString());
    Pem key = Pem.parse(text(keyFile), keyFile.toString());
    if (chain.certificates().isEmpty()) {
      throw new IllegalArgumentException(chainFile + " holds no certificate; write it as PEM");
    }
    if (key.keys().size() != 1) {
      throw new IllegalArgumentException(
          keyFile + " holds not one key; write one as PEM, without a pass phrase");
    }
    return new Presented(chain.certificates(), key.keys().getFirst());
  }

  /** The same for a handshake whose peer takes keys of this algorithm. */
  Optional<Presented> presentFor(String keyType) {
    return Optional.of(present())
        .filter(shown -> keyType.equals(shown.chain().getFirst().getPublicKey().getAlgorithm()));
  }

  private static String text(Path file) {
    try {
      if (Files.size(file) > Pem.LONGEST_TEXT) {
        throw new IllegalArgumentException(
            file + " is longer than " + Pem.LONGEST_TEXT + " bytes; name a PEM file");
      }
      return Files.readString(file);
    } catch (IOException e) {
      throw new UncheckedIOException(file + " cannot be read", e);
    }
  }
}
