package io.sluice.control.authority.builtin;

import io.sluice.control.authority.DurableFiles;
import io.sluice.control.authority.svid.Issuer;
import io.sluice.control.authority.svid.Pem;
import io.sluice.control.authority.svid.SigningKey;
import io.sluice.mesh.svid.Certificates;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyPair;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * For each root {@code root-<id>.pem} and {@code intermediate-<id>.pem}, each the chain and its key
 * in one file (0600), so that a key and its certificate can never be of two writings.
 */
record FileIssuers(Path directory) implements IssuerStore {
  private static final String ROOT = "root-";
  private static final String INTERMEDIATE = "intermediate-";
  private static final String PEM = ".pem";

  @Override
  public KeyPair newKey(SigningKey kind) {
    return kind.generate();
  }

  @Override
  public List<String> rootIds() {
    try (Stream<Path> files = Files.list(directory)) {
      return files
          .map(file -> file.getFileName().toString())
          .filter(name -> name.startsWith(ROOT) && name.endsWith(PEM))
          .map(name -> name.substring(ROOT.length(), name.length() - PEM.length()))
          .sorted()
          .toList();
    } catch (IOException e) {
      throw DurableFiles.unwritable(directory, e);
    }
  }

  @Override
  public Issuer root(String id) {
    Path file = rootFile(id);
    Issuer root =
        read(file)
            .orElseThrow(() -> DurableFiles.damaged(file, "the state names it, it is not there"));
    if (!root.id().equals(id)) {
      throw DurableFiles.damaged(file, "it holds another certificate (" + root.id() + ")");
    }
    return root;
  }

  @Override
  public void writeRoot(Issuer root) {
    DurableFiles.write(rootFile(root.id()), text(root));
  }

  @Override
  public Optional<Issuer> intermediate(String rootId) {
    Path file = intermediateFile(rootId);
    Optional<Issuer> intermediate = read(file);
    intermediate.ifPresent(issuer -> {
      if (issuer.chain().size() < 2 || !rootId.equals(Certificates.id(issuer.chain().get(1)))) {
        throw DurableFiles.damaged(file, "it was issued by another root");
      }
    });
    return intermediate;
  }

  @Override
  public void writeIntermediate(String rootId, Issuer intermediate) {
    DurableFiles.write(intermediateFile(rootId), text(intermediate));
  }

  @Override
  public void forget(String rootId) {
    DurableFiles.delete(intermediateFile(rootId));
    DurableFiles.delete(rootFile(rootId));
  }

  private static Optional<Issuer> read(Path file) {
    return DurableFiles.read(file, Pem.LONGEST_TEXT)
        .map(text -> {
          Pem pem = Pem.parse(text, file.toString());
          if (pem.certificates().isEmpty() || pem.keys().size() != 1) {
            throw DurableFiles.damaged(
                file, "it holds " + pem + " instead of a chain and its one key");
          }
          return Issuer.checked(pem.certificates(), pem.keys().getFirst(), file.toString());
        });
  }

  private static String text(Issuer issuer) {
    return new Pem(issuer.chain(), List.of(issuer.key())).text();
  }

  private Path rootFile(String id) {
    return directory.resolve(ROOT + id + PEM);
  }

  private Path intermediateFile(String rootId) {
    return directory.resolve(INTERMEDIATE + rootId + PEM);
  }

  @Override
  public Optional<String> outage() {
    return Optional.empty();
  }
}
