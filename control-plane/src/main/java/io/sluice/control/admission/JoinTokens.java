package io.sluice.control.admission;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.sluice.control.admission.AdmissionException.Reason;
import io.sluice.control.admission.JoinTokens.JoinToken.State;
import io.sluice.control.authority.AuthorityException;
import io.sluice.control.authority.DurableFiles;
import io.sluice.mesh.FileFault;
import io.sluice.mesh.Sha256;
import io.sluice.process.DurableFile;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileTime;
import java.security.MessageDigest;
import java.security.PublicKey;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.format.DateTimeParseException;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Join tokens, each in a file of its own in a directory that only its owner may read. Several
 * processes may work on one directory: the command that makes a token and the controller that takes
 * it. A token is used up by renaming its file, which of several callers one alone can do, and which
 * is on disk before anything else happens. The name that it gets says for which key: the same is
 * admitted again for a while, for the answer may have been lost.
 *
 * <p>Any thread; blocks on the disk.
 */
public final class JoinTokens implements NodeAttestor {
  /** Time to carry a token to a node and start it there. */
  public static final Duration DEFAULT_LIFETIME = Duration.ofHours(1);

  /** Less than this nobody can carry. */
  public static final Duration SHORTEST_LIFETIME = Duration.ofSeconds(10);

  /** A token lies about in files; a month later nobody knows where. */
  public static final Duration LONGEST_LIFETIME = Duration.ofDays(30);

  /** How long one that is used or expired is listed. */
  static final Duration KEPT_AFTER_ITS_END = Duration.ofDays(7);

  /**
   * How long one that is used admits the same key again: as long as a node needs to find out that
   * it has no answer. Not for the token's life, or who steals that key may evade a denied serial.
   */
  static final Duration ADMITTED_AGAIN = Duration.ofMinutes(10);

  /** Far more than a site has nodes. */
  static final int MOST_TOKENS = 2_000;

  private static final int ID_BYTES = 8;
  private static final int SECRET_BYTES = 32;
  private static final Pattern FORM = Pattern.compile("([0-9a-f]{16})\\.([A-Za-z0-9_-]{43})");
  private static final Pattern ID = Pattern.compile("[0-9a-f]{16}");
  private static final String OPEN = ".json";
  private static final String USED = ".used";
  private static final String MAKE_ANOTHER = "make one with 'sluice control token'";
  private static final SecureRandom RANDOM = new SecureRandom();

  private final Path directory;
  private final InstantSource clock;

  private JoinTokens(Path directory, InstantSource clock) {
    this.directory = directory;
    this.clock = clock;
  }

  /**
   * The tokens in {@code directory}, which is made where it is missing.
   *
   * @throws AuthorityException where it is open to others, or cannot be made
   */
  public static JoinTokens in(Path directory, InstantSource clock) {
    DurableFiles.makeDirectory(directory);
    return new JoinTokens(directory, clock);
  }

  /** Whether {@code token} has the form of a join token, so that it is for this attestor. */
  public static boolean isOne(String token) {
    return FORM.matcher(token).matches();
  }

  /**
   * Makes a token for one node.
   *
   * @param lifetime {@link #SHORTEST_LIFETIME} to {@link #LONGEST_LIFETIME}
   * @return {@code <id>.<secret>}; not kept anywhere
   * @throws IllegalArgumentException where name or lifetime are not allowed
   */
  public String create(String nodeName, Duration lifetime) {
    new AdmittedNode(nodeName, "trial"); // throws where no node may have this name
    if (lifetime.compareTo(SHORTEST_LIFETIME) < 0 || lifetime.compareTo(LONGEST_LIFETIME) > 0) {
      throw new IllegalArgumentException(
          "a token lives " + SHORTEST_LIFETIME + " to " + LONGEST_LIFETIME + ", not " + lifetime);
    }
    removeOld();
    if (list().size() >= MOST_TOKENS) {
      throw new IllegalStateException(
          directory + " holds " + MOST_TOKENS + " tokens; revoke those that nobody will use");
    }
    Instant now = clock.instant();
    String id = HexFormat.of().formatHex(random(ID_BYTES));
    String secret = Base64.getUrlEncoder().withoutPadding().encodeToString(random(SECRET_BYTES));
    DurableFiles.write(
        open(id),
        new JoinTokenFile(nodeName, JoinTokenFile.sha256(secret), now, now.plus(lifetime)).json());
    return id + "." + secret;
  }

  private static byte[] random(int bytes) {
    byte[] random = new byte[bytes];
    RANDOM.nextBytes(random);
    return random;
  }

  /** Every token, the newest first; a damaged one fails the whole list, naming its file. */
  public List<JoinToken> list() {
    List<JoinToken> tokens = new ArrayList<>();
    for (String id : ids()) {
      token(id).ifPresent(tokens::add);
    }
    tokens.sort(Comparator.comparing(JoinToken::created).reversed());
    return tokens;
  }

  private List<String> ids() {
    try (Stream<Path> files = Files.list(directory)) {
      return files
          .map(file -> file.getFileName().toString())
          .filter(name -> name.endsWith(OPEN) || name.endsWith(USED))
          .map(name -> name.substring(0, name.indexOf('.')))
          .filter(id -> ID.matcher(id).matches())
          .distinct()
          .toList();
    } catch (IOException e) {
      throw DurableFiles.unwritable(directory, e);
    }
  }

  private Optional<JoinToken> token(String id) {
    Optional<JoinTokenFile> open = read(open(id));
    return open.or(() -> used(id).flatMap(JoinTokens::read))
        .map(file ->
            new JoinToken(
                id,
                file.nodeName(),
                file.created(),
                file.expires(),
                open.isEmpty() ? State.USED : isOver(file) ? State.EXPIRED : State.OPEN));
  }

  /**
   * Makes a token good for nothing, also for the key that has used it. Returns whether there was
   * one that could still be used.
   */
  public boolean revoke(String id) {
    if (!ID.matcher(id).matches()) {
      return false;
    }
    try {
      if (Files.deleteIfExists(open(id))) {
        DurableFile.syncDirectory(directory);
        return true;
      }
      Optional<Path> used = used(id).filter(file -> !file.equals(usedFor(id, "")));
      if (used.isEmpty()) {
        return false;
      }
      boolean wasAdmitting = admitsAgain(used.get());
      Files.move(used.get(), usedFor(id, ""), StandardCopyOption.ATOMIC_MOVE);
      DurableFile.syncDirectory(directory);
      return wasAdmitting;
    } catch (IOException e) {
      throw DurableFiles.unwritable(directory, e);
    }
  }

  @Override
  public AdmittedNode admit(String token, String claimedName, PublicKey key) {
    String sha256 = Sha256.hex(key.getEncoded());
    Presented presented = presented(token, sha256);
    NodeAttestor.requireName(presented.file().nodeName(), claimedName);
    return presented.isUsed() ? presented.admitted() : use(presented, sha256);
  }

  private Presented presented(String token, String keySha256) {
    Matcher parts = FORM.matcher(token);
    if (!parts.matches()) {
      throw new AdmissionException(Reason.MALFORMED, "this is no join token", MAKE_ANOTHER);
    }
    String id = parts.group(1);
    Optional<JoinTokenFile> open = read(open(id));
    JoinTokenFile file =
        open.or(() ->
                Optional.of(usedFor(id, keySha256))
                    .filter(this::admitsAgain)
                    .flatMap(JoinTokens::read))
            .orElseThrow(() -> gone(id));
    if (!file.isSecret(parts.group(2))) {
      throw unknown();
    }
    if (isOver(file)) {
      throw new AdmissionException(
          Reason.EXPIRED, "join token " + id + " expired at " + file.expires(), MAKE_ANOTHER);
    }
    return new Presented(id, file, open.isEmpty());
  }

  private AdmittedNode use(Presented presented, String keySha256) {
    String id = presented.id();
    Path used = usedFor(id, keySha256);
    try {
      // First, so that nothing is left to do once it is used: who asks again is admitted again.
      Files.setLastModifiedTime(open(id), FileTime.from(clock.instant()));
      Files.move(open(id), used, StandardCopyOption.ATOMIC_MOVE);
      DurableFile.syncDirectory(directory);
    } catch (NoSuchFileException e) {
      throw gone(id); // another call, or a revocation, was faster
    } catch (IOException e) {
      throw new AdmissionException(
          Reason.BACKEND_UNREACHABLE,
          "the controller cannot note that join token "
              + id
              + " is used ("
              + FileFault.reason(e)
              + ")",
          "look at the controller's disk",
          e);
    }
    return presented.admitted();
  }

  private AdmissionException gone(String id) {
    return used(id).isPresent()
        ? new AdmissionException(Reason.USED, "join token " + id + " was used", MAKE_ANOTHER)
        : unknown();
  }

  /** One answer for a wrong id and a wrong secret. */
  private static AdmissionException unknown() {
    return new AdmissionException(Reason.UNKNOWN, "there is no such join token", MAKE_ANOTHER);
  }

  private boolean isOver(JoinTokenFile file) {
    return !clock.instant().isBefore(file.expires());
  }

  private void removeOld() {
    Instant before = clock.instant().minus(KEPT_AFTER_ITS_END);
    for (JoinToken token : list()) {
      if (token.expires().isBefore(before)) {
        DurableFiles.delete(open(token.id()));
        used(token.id()).ifPresent(DurableFiles::delete);
      }
    }
  }

  private static Optional<JoinTokenFile> read(Path file) {
    return DurableFiles.read(file, JoinTokenFile.LONGEST_BYTES)
        .map(text -> JoinTokenFile.parse(text, file));
  }

  private Path open(String id) {
    return directory.resolve(id + OPEN);
  }

  /** Its name once that key has used it; with an empty one no key is admitted again. */
  private Path usedFor(String id, String keySha256) {
    return directory.resolve(id + (keySha256.isEmpty() ? "" : "." + keySha256) + USED);
  }

  /** The file of a used one, for whichever key. */
  private Optional<Path> used(String id) {
    try (Stream<Path> files = Files.list(directory)) {
      return files
          .filter(file -> file.getFileName().toString().startsWith(id + "."))
          .filter(file -> file.getFileName().toString().endsWith(USED))
          .findFirst();
    } catch (IOException e) {
      throw DurableFiles.unwritable(directory, e);
    }
  }

  private boolean admitsAgain(Path used) {
    try {
      Instant end = Files.getLastModifiedTime(used).toInstant().plus(ADMITTED_AGAIN);
      return clock.instant().isBefore(end);
    } catch (IOException e) {
      return false; // there is none
    }
  }

  /** A token whose secret was right, and its file. */
  private record Presented(String id, JoinTokenFile file, boolean isUsed) {
    AdmittedNode admitted() {
      return new AdmittedNode(file.nodeName(), "join-token " + id);
    }
  }

  /**
   * A join token as people see it, without its secret.
   *
   * @param id public part of the token, 16 hexadecimal digits
   * @param nodeName the only name that it admits
   * @param created when it was made
   * @param expires first instant at which it is good no more
   * @param state what has become of it
   */
  public record JoinToken(
      String id, String nodeName, Instant created, Instant expires, State state) {
    /** What has become of a token. */
    public enum State {
      /** Good for one admission. */
      OPEN,
      /** Used by the node. */
      USED,
      /** Was not used in time. */
      EXPIRED
    }
  }

  /**
   * What is kept of a join token: never its secret, only the secret's SHA-256. The secret has 256
   * random bits, so nothing slower is needed to keep it from being guessed out of its hash.
   */
  private record JoinTokenFile(
      String nodeName, String secretSha256, Instant created, Instant expires) {
    static final int LONGEST_BYTES = 4_096;

    private static final ObjectMapper JSON = new ObjectMapper();

    static JoinTokenFile parse(String text, Path file) {
      try {
        JsonNode node = JSON.readTree(text);
        return new JoinTokenFile(
            required(node, "nodeName", file),
            required(node, "secretSha256", file),
            Instant.parse(required(node, "created", file)),
            Instant.parse(required(node, "expires", file)));
      } catch (JsonProcessingException | DateTimeParseException e) {
        throw DurableFiles.damaged(file, "it is not as it was written");
      }
    }

    private static String required(JsonNode node, String member, Path file) {
      String value = node.path(member).asText("");
      if (value.isEmpty()) {
        throw DurableFiles.damaged(file, "it has no " + member);
      }
      return value;
    }

    String json() {
      return JSON.createObjectNode()
              .put("nodeName", nodeName)
              .put("secretSha256", secretSha256)
              .put("created", created.toString())
              .put("expires", expires.toString())
              .toString()
          + "\n";
    }

    /** Whether {@code secret} is the one; takes as long for a near miss as for a far one. */
    boolean isSecret(String secret) {
      return MessageDigest.isEqual(
          secretSha256.getBytes(StandardCharsets.US_ASCII),
          sha256(secret).getBytes(StandardCharsets.US_ASCII));
    }

    static String sha256(String secret) {
      return Sha256.hex(secret.getBytes(StandardCharsets.UTF_8));
    }
  }
}
