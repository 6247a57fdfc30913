package io.sluice.node.identity.store;

import io.sluice.mesh.SpiffeId;
import io.sluice.node.identity.x509.Credential;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * The node's own certificate, and those of workloads where they are kept. Any thread; calls for one
 * identity must not overlap.
 */
public final class CredentialStore {
  private static final String NODE = "node";
  private static final String WORKLOAD_PREFIX = "workload-";
  private static final int NAME_DIGITS = 32;

  private final SealedFiles files;

  private CredentialStore(SealedFiles files) {
    this.files = files;
  }

  /**
   * Opens the store below a state directory.
   *
   * @throws StoreException when it cannot be used; nothing in it is changed then
   */
  public static CredentialStore open(Path directory, Path keyFile) {
    return new CredentialStore(SealedFiles.open(directory, keyFile));
  }

  /** Where the key lies unless the operator says otherwise. */
  public static Path usualKeyFile(Path directory) {
    return directory.resolve("seal.key");
  }

  /**
   * What the node knew of itself; empty on a new node.
   *
   * @throws StoreException when there is something, and it cannot be used
   */
  public Optional<KeptNode> node() {
    return files.read(NODE).map(CredentialFormat::node);
  }

  /** Replaces it. */
  public void saveNode(KeptNode node) {
    files.write(NODE, CredentialFormat.bytes(node));
  }

  /** Every workload's that can be used; {@code problems} is told of the others. */
  public List<Credential> workloads(Consumer<StoreException> problems) {
    List<Credential> kept = new ArrayList<>();
    for (String name : workloadNames()) {
      try {
        files.read(name).map(CredentialFormat::credential).ifPresent(kept::add);
      } catch (StoreException e) {
        problems.accept(e);
      }
    }
    return kept;
  }

  private List<String> workloadNames() {
    return files.names().stream().filter(name -> name.startsWith(WORKLOAD_PREFIX)).toList();
  }

  /** Keeps one, instead of an earlier one of the same identity. */
  public void saveWorkload(Credential credential) {
    files.write(name(credential.identity()), CredentialFormat.bytes(credential));
  }

  /** Forgets one. */
  public void forgetWorkload(SpiffeId identity) {
    files.delete(name(identity));
  }

  /** Forgets all, also those that cannot be read. */
  public void forgetWorkloads() {
    workloadNames().forEach(files::delete);
  }

  /** Identities can be longer than names of files. */
  private static String name(SpiffeId identity) {
    try {
      byte[] hash =
          MessageDigest.getInstance("SHA-256")
              .digest(identity.toString().getBytes(StandardCharsets.UTF_8));
      return WORKLOAD_PREFIX + HexFormat.of().formatHex(hash).substring(0, NAME_DIGITS);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("this JDK has no SHA-256", e);
    }
  }
}
