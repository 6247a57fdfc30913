package io.sluice.control.authority.settings;

import io.sluice.control.authority.AuthorityException;
import io.sluice.control.authority.AuthorityException.Reason;
import io.sluice.control.authority.settings.AuthoritySettings.BuiltIn;
import io.sluice.control.authority.settings.AuthoritySettings.Imported;
import io.sluice.control.authority.settings.AuthoritySettings.Source;
import io.sluice.control.authority.settings.AuthoritySettings.Vault;
import io.sluice.control.authority.svid.SigningKey;
import io.sluice.control.authority.svid.SvidProfile;
import io.sluice.control.authority.vault.VaultLogin;
import io.sluice.control.manifest.Fields;
import io.sluice.control.manifest.Problem;
import io.sluice.control.manifest.WrittenDuration;
import io.sluice.control.manifest.YamlDocuments;
import io.sluice.control.manifest.YamlValue;
import io.sluice.mesh.TrustDomain;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * The authority's settings as a YAML file. Strict: a field that nobody reads is an error, since a
 * misspelt one would otherwise be a setting that silently does not hold.
 */
public final class AuthorityFile {
  private static final Duration DISTRIBUTE_FOR = Duration.ofDays(1);
  private static final String KEYS = "write P256, P384 or ED25519";

  /** A kind of authority: the section that chooses it, and how the section is read. */
  private static final Map<String, Function<Section, Optional<Source>>> SOURCES =
      Map.of(
          "builtIn", section -> Optional.of(new BuiltIn(section.signingKey())),
          "imported", AuthorityFile::imported,
          "vault", AuthorityFile::vault);

  private static final Set<String> COMMON =
      Set.of("dnsNames", "nameConstraints", "distributeFor", "signingKey");

  private AuthorityFile() {}

  /** What one section is read with; {@code signingKey} is common to several. */
  private record Section(Fields fields, SigningKey signingKey) {}

  /**
   * Reads {@code file}.
   *
   * @param directory where the authority keeps its state
   * @param longestLeaf greatest lifetime that will be asked for
   * @throws AuthorityException with every problem of the file
   */
  public static AuthoritySettings read(
      Path file, TrustDomain trustDomain, Path directory, Duration longestLeaf) {
    List<Problem> problems = new ArrayList<>();
    Fields fields = document(file, problems);
    Optional<AuthoritySettings> settings =
        fields == null
            ? Optional.empty()
            : settings(fields, problems, trustDomain, directory, longestLeaf);
    if (!problems.isEmpty() || settings.isEmpty()) {
      throw new AuthorityException(
          Reason.STORE_DAMAGED,
          file.toString(),
          problems.stream().map(Problem::toString).collect(Collectors.joining(" | ")),
          "docs/identity.md has the settings of an authority");
    }
    return settings.get();
  }

  private static @Nullable Fields document(Path file, List<Problem> problems) {
    String name = file.getFileName().toString();
    YamlDocuments documents;
    try {
      documents = YamlDocuments.read(name, Files.readAllBytes(file));
    } catch (IOException e) {
      problems.add(new Problem(name, 0, "", "it cannot be read (" + e + ")", "look at its path"));
      return null;
    }
    problems.addAll(documents.problems());
    if (documents.documents().size() == 1
        && documents.documents().getFirst() instanceof YamlValue.Mapping mapping) {
      return new Fields(name, "", mapping, problems::add);
    }
    problems.add(
        new Problem(name, 0, "", "it is not one mapping", "write 'builtIn: {}', for instance"));
    return null;
  }

  private static Optional<AuthoritySettings> settings(
      Fields fields,
      List<Problem> problems,
      TrustDomain trustDomain,
      Path directory,
      Duration longestLeaf) {
    List<String> chosen = SOURCES.keySet().stream().filter(fields::has).sorted().toList();
    for (String name : fields.names()) {
      if (!SOURCES.containsKey(name) && !COMMON.contains(name)) {
        fields.problem(name, "no authority has this setting", "remove it");
      }
    }
    if (chosen.size() != 1) {
      fields.problem(
          "",
          "there has to be exactly one of " + SOURCES.keySet().stream().sorted().toList(),
          "write one of them");
      return Optional.empty();
    }
    SigningKey key = fields.parsed("signingKey", SigningKey::valueOf, KEYS).orElse(SigningKey.P256);
    Duration distributeFor =
        fields
            .parsed("distributeFor", WrittenDuration::parse, "write 24h, for instance")
            .orElse(DISTRIBUTE_FOR);
    boolean constraints = !fields.has("nameConstraints") || fields.isTrue("nameConstraints");
    SvidProfile profile = new SvidProfile(trustDomain, fields.isTrue("dnsNames"), constraints);
    Function<Section, Optional<Source>> reader =
        Objects.requireNonNull(SOURCES.get(chosen.getFirst()));
    return fields
        .object(chosen.getFirst())
        .flatMap(section -> reader.apply(new Section(section, key)))
        .filter(source -> problems.isEmpty())
        .map(source ->
            new AuthoritySettings(profile, directory, longestLeaf, distributeFor, source));
  }

  private static Optional<Source> imported(Section section) {
    Fields fields = section.fields();
    refuseOthers(fields, Set.of("certificate", "privateKey"));
    Optional<Path> certificate = path(fields, "certificate", true);
    Optional<Path> key = path(fields, "privateKey", true);
    return certificate.flatMap(
        crt -> key.map(secret -> new Imported(crt, secret, section.signingKey())));
  }

  private static Optional<Source> vault(Section section) {
    Fields fields = section.fields();
    refuseOthers(
        fields,
        Set.of(
            "address", "mount", "role", "tokenFile", "kubernetes", "serverRoots", "trustedRoots"));
    Optional<URI> address =
        fields.requiredParsed("address", URI::create, "write https://HOST:PORT");
    String mount = fields.requiredText("mount");
    String role = fields.requiredText("role");
    Optional<VaultLogin> login = login(fields);
    Path serverRoots = path(fields, "serverRoots", false).orElse(null);
    Path trustedRoots = path(fields, "trustedRoots", false).orElse(null);
    return address.flatMap(
        server -> login.map(by -> new Vault(server, mount, role, by, serverRoots, trustedRoots)));
  }

  private static Optional<VaultLogin> login(Fields fields) {
    if (fields.has("tokenFile") == fields.has("kubernetes")) {
      fields.problem(
          "tokenFile", "there has to be tokenFile or kubernetes", "write exactly one of them");
      return Optional.empty();
    }
    if (fields.has("tokenFile")) {
      return path(fields, "tokenFile", true).map(VaultLogin.TokenFile::new);
    }
    return fields
        .object("kubernetes")
        .flatMap(login -> {
          refuseOthers(login, Set.of("mount", "role", "serviceAccountToken"));
          String mount = login.requiredText("mount");
          String role = login.requiredText("role");
          Optional<Path> token = path(login, "serviceAccountToken", true);
          try {
            return token.map(file -> new VaultLogin.Kubernetes(mount, role, file));
          } catch (IllegalArgumentException e) {
            login.problem("role", String.valueOf(e.getMessage()), "write plain names");
            return Optional.empty();
          }
        });
  }

  private static Optional<Path> path(Fields fields, String name, boolean required) {
    String mend = "write the path of a file";
    return required
        ? fields.requiredParsed(name, Path::of, mend)
        : fields.parsed(name, Path::of, mend);
  }

  private static void refuseOthers(Fields fields, Set<String> known) {
    for (String name : fields.names()) {
      if (!known.contains(name)) {
        fields.problem(name, "this authority has no such setting", "remove it");
      }
    }
  }
}
