package io.sluice.control;

import io.sluice.control.admission.JoinTokens;
import io.sluice.control.authority.DurableFiles;
import io.sluice.control.authority.builtin.BuiltInAuthority;
import io.sluice.control.authority.domain.ChangingDomain;
import io.sluice.control.authority.svid.Pem;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.svid.Certificates;
import io.sluice.process.ProcessLock;
import io.sluice.process.SiteClock;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.function.BooleanSupplier;

/** What is where below the controller's directory (0700). */
public final class StateDirectory {
  private static final String TOKEN_FORM = "sluice-join.";
  private static final String ADMIN = "admin";

  private final Path directory;

  private StateDirectory(Path directory) {
    this.directory = directory;
  }

  /** Whether a controller that runs, or ran, has that directory. */
  public static boolean isOne(Path directory) {
    return Files.exists(directory.resolve(ADMIN));
  }

  /** Makes it where it is missing. */
  public static StateDirectory at(Path directory) {
    DurableFiles.makeDirectory(directory);
    return new StateDirectory(directory);
  }

  /**
   * Holds it for one controller; commands that make and list tokens need no hold.
   *
   * @throws io.sluice.control.authority.AuthorityException where another controller has it
   */
  ProcessLock hold() {
    return DurableFiles.hold(directory, "this controller's state");
  }

  /** The authority's own directory. */
  public Path authority() {
    return directory.resolve("authority");
  }

  /** Trust domain of the mesh, and where a change of it stands. */
  Path domainFile() {
    return directory.resolve("trust-domain.json");
  }

  /**
   * The trust domain that what is here signs for: as its keys say, which may have been put here
   * without the file of the domain, else as that file does.
   *
   * @param newest says the first one of a mesh that is new here, once its MeshConfig has been read
   */
  ChangingDomain.First trustDomain(MeshSnapshot newest) {
    return BuiltInAuthority.trustDomain(authority().resolve("keys"))
        .or(() -> ChangingDomain.inForce(domainFile()))
        .map(known -> new ChangingDomain.First(known, true))
        .orElseGet(
            () -> new ChangingDomain.First(newest.settings().trustDomain(), newest.isGoverned()));
  }

  /** Where {@code sluice control} asks a controller that runs. */
  public Path adminSocket() {
    return directory.resolve(ADMIN).resolve("admin.sock");
  }

  /**
   * The clock that a controller judges by which has its state here.
   *
   * @param isKept whether a time service keeps the wall clock of this machine
   */
  public SiteClock clock(BooleanSupplier isKept) {
    return SiteClock.open(directory, isKept);
  }

  /** The join tokens. */
  public JoinTokens joinTokens(InstantSource clock) {
    return JoinTokens.in(directory.resolve("join-tokens"), clock);
  }

  /**
   * Makes a token in the form that a node reads: with the hash of the root by which it believes the
   * controller.
   *
   * @param lifetime within the limits of {@link JoinTokens}
   * @throws IllegalArgumentException where name or lifetime are not allowed
   * @throws IllegalStateException where no controller ever ran here, or there are too many tokens
   */
  public String newJoinToken(String nodeName, Duration lifetime, InstantSource clock) {
    String root = rootHash();
    return TOKEN_FORM + root + "." + joinTokens(clock).create(nodeName, lifetime);
  }

  private Path bundle() {
    return directory.resolve("trust-bundle.pem");
  }

  /**
   * Keeps the present roots for join tokens and for people.
   *
   * @param roots first the one that the controller's own certificate leads to
   */
  void write(List<X509Certificate> roots) {
    DurableFiles.write(bundle(), new Pem(roots, List.of()).text());
  }

  /**
   * SHA-256 of the root above the controller's certificate, in lower-case hexadecimal: what a join
   * token pins.
   *
   * @throws IllegalStateException where no controller ever ran here
   */
  public String rootHash() {
    List<X509Certificate> roots =
        DurableFiles.read(bundle(), Pem.LONGEST_TEXT)
            .map(text -> Pem.parse(text, bundle().toString()).certificates())
            .orElse(List.of());
    if (roots.isEmpty()) {
      throw new IllegalStateException(
          bundle()
              + " is not there; start 'sluice control run' with this --state first, and wait until it"
              + " is ready");
    }
    return Certificates.fingerprint(roots.getFirst());
  }
}
