package io.sluice.control.authority.settings;

import io.sluice.control.authority.AuthorityException;
import io.sluice.control.authority.AuthorityException.Reason;
import io.sluice.control.authority.svid.SigningKey;
import io.sluice.control.authority.svid.SvidProfile;
import io.sluice.control.manifest.Fields;
import io.sluice.control.manifest.Problem;
import io.sluice.control.manifest.WrittenDuration;
import io.sluice.control.manifest.YamlDocuments;
import io.sluice.control.manifest.YamlValue;
import io.sluice.mesh.FileFault;
import io.sluice.mesh.TrustDomain;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * The authority's settings as a YAML file. Strict: a field that nobody reads is an error, since a
 * misspelt one would otherwise be a setting that silently does not hold.
 */
public final class AuthorityFile {
  private static final Duration DISTRIBUTE_FOR = Duration.ofDays(1);
  private static final String KEYS = "write P256, P384 or ED25519";

  private static final Set<String> COMMON =
      Set.of("dnsNames", "nameConstraints", "distributeFor", "signingKey");

  private AuthorityFile() {}

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
      problems.add(
          new Problem(
              name, 0, "", "it cannot be read (" + FileFault.reason(e) + ")", "look at its path"));
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
    List<String> chosen = SourceSections.NAMES.stream().filter(fields::has).toList();
    for (String name : fields.names()) {
      if (!SourceSections.NAMES.contains(name) && !COMMON.contains(name)) {
        fields.problem(name, "no authority has this setting", "remove it");
      }
    }
    if (chosen.size() != 1) {
      fields.problem(
          "", "there has to be exactly one of " + SourceSections.NAMES, "write one of them");
      return Optional.empty();
    }
    if (chosen.contains("certManager") && fields.isTrue("dnsNames")) {
      fields.problem("dnsNames", "cert-manager signs no DNS names for nodes", "remove it");
    }
    SigningKey key = fields.parsed("signingKey", SigningKey::valueOf, KEYS).orElse(SigningKey.P256);
    Duration distributeFor =
        fields
            .parsed("distributeFor", WrittenDuration::parse, "write 24h, for instance")
            .orElse(DISTRIBUTE_FOR);
    boolean constraints = !fields.has("nameConstraints") || fields.isTrue("nameConstraints");
    SvidProfile profile = new SvidProfile(trustDomain, fields.isTrue("dnsNames"), constraints);
    return SourceSections.read(chosen.getFirst(), fields, key)
        .filter(source -> problems.isEmpty())
        .map(source ->
            new AuthoritySettings(profile, directory, longestLeaf, distributeFor, source));
  }
}
