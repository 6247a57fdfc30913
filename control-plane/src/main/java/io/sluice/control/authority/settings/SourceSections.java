package io.sluice.control.authority.settings;

import io.sluice.control.authority.certmanager.CertManagerSettings;
import io.sluice.control.authority.certmanager.CertManagerSettings.IssuerRef;
import io.sluice.control.authority.settings.AuthoritySettings.BuiltIn;
import io.sluice.control.authority.settings.AuthoritySettings.CertManager;
import io.sluice.control.authority.settings.AuthoritySettings.Imported;
import io.sluice.control.authority.settings.AuthoritySettings.Source;
import io.sluice.control.authority.settings.AuthoritySettings.Token;
import io.sluice.control.authority.settings.AuthoritySettings.Vault;
import io.sluice.control.authority.svid.SigningKey;
import io.sluice.control.authority.token.TokenSettings;
import io.sluice.control.authority.token.TokenSettings.Slot;
import io.sluice.control.authority.token.TokenSettings.SlotId;
import io.sluice.control.authority.token.TokenSettings.SlotIndex;
import io.sluice.control.authority.vault.VaultLogin;
import io.sluice.control.kubernetes.KubernetesAccess;
import io.sluice.control.manifest.Fields;
import java.net.URI;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.function.BiFunction;
import java.util.function.Supplier;

/** The sections of the authority's file that say who holds the signing key. */
final class SourceSections {
  /** The section that chooses a kind of authority, and how it is read. */
  private static final Map<String, BiFunction<Fields, SigningKey, Optional<Source>>> READERS =
      Map.of(
          "builtIn", SourceSections::builtIn,
          "imported", SourceSections::imported,
          "vault", (fields, _) -> vault(fields),
          "certManager", (fields, _) -> certManager(fields),
          "pkcs11", SourceSections::pkcs11);

  /** Of all sections, sorted. */
  static final List<String> NAMES = READERS.keySet().stream().sorted().toList();

  private SourceSections() {}

  /**
   * Reads section {@code name} of {@code file}; what is wrong with it goes to the sink of the
   * fields.
   *
   * @param signingKey common to several kinds
   */
  static Optional<Source> read(String name, Fields file, SigningKey signingKey) {
    var reader = Objects.requireNonNull(READERS.get(name));
    return file.object(name).flatMap(section -> reader.apply(section, signingKey));
  }

  private static Optional<Source> builtIn(Fields fields, SigningKey signingKey) {
    refuseOthers(fields, Set.of());
    return Optional.of(new BuiltIn(signingKey));
  }

  private static Optional<Source> imported(Fields fields, SigningKey signingKey) {
    refuseOthers(fields, Set.of("certificate", "privateKey"));
    Optional<Path> certificate = path(fields, "certificate", true);
    Optional<Path> key = path(fields, "privateKey", true);
    return certificate.flatMap(crt -> key.map(secret -> new Imported(crt, secret, signingKey)));
  }

  private static Optional<Source> vault(Fields fields) {
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
          return token.flatMap(
              file -> checked(login, "role", () -> new VaultLogin.Kubernetes(mount, role, file)));
        });
  }

  private static Optional<Source> certManager(Fields fields) {
    refuseOthers(fields, Set.of("namespace", "issuer", "kubeconfig", "trustedRoots"));
    Optional<String> namespace =
        fields.requiredParsed(
            "namespace", CertManagerSettings::namespace, "write the namespace of the issuer");
    Optional<IssuerRef> issuer =
        fields.has("issuer")
            ? fields.object("issuer").flatMap(SourceSections::issuer)
            : Optional.of(IssuerRef.DEFAULT);
    KubernetesAccess cluster =
        path(fields, "kubeconfig", false)
            .<KubernetesAccess>map(KubernetesAccess.Kubeconfig::new)
            .orElse(KubernetesAccess.IN_CLUSTER);
    Path trustedRoots = path(fields, "trustedRoots", false).orElse(null);
    return namespace.flatMap(
        where -> issuer.map(ref -> new CertManager(cluster, where, ref, trustedRoots)));
  }

  private static Optional<IssuerRef> issuer(Fields fields) {
    refuseOthers(fields, Set.of("name", "kind", "group"));
    return checked(
        fields,
        "name",
        () ->
            new IssuerRef(
                fields.text("name").orElse(IssuerRef.DEFAULT.name()),
                fields.text("kind").orElse(IssuerRef.DEFAULT.kind()),
                fields.text("group").orElse(IssuerRef.DEFAULT.group())));
  }

  private static Optional<Source> pkcs11(Fields fields, SigningKey signingKey) {
    refuseOthers(fields, Set.of("library", "slot", "slotIndex", "pinFile", "label"));
    Optional<Path> library = path(fields, "library", true);
    Optional<Slot> slot = slot(fields);
    Optional<Path> pin = path(fields, "pinFile", true);
    String label = fields.requiredText("label");
    if (signingKey == SigningKey.ED25519) {
      fields.problem("", "no key of kind ED25519 can be made in a token", "write P256 or P384");
    }
    return library.flatMap(file ->
        slot.flatMap(place ->
            pin.flatMap(secret ->
                checked(fields, "label", () -> new TokenSettings(file, place, secret, label))
                    .map(token -> new Token(token, signingKey)))));
  }

  private static Optional<Slot> slot(Fields fields) {
    if (fields.has("slot") == fields.has("slotIndex")) {
      fields.problem("slot", "there has to be slot or slotIndex", "write exactly one of them");
      return Optional.empty();
    }
    return fields.has("slot")
        ? fields.number("slot", "a slot's number").map(id -> new SlotId(id))
        : fields.number("slotIndex", "a place in the list").map(index -> new SlotIndex(index));
  }

  /** What {@code made} makes, or nothing after reporting at {@code name} why it cannot be. */
  private static <T> Optional<T> checked(Fields fields, String name, Supplier<T> made) {
    try {
      return Optional.of(made.get());
    } catch (IllegalArgumentException e) {
      fields.problem(name, String.valueOf(e.getMessage()), "write a plain one");
      return Optional.empty();
    }
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
