package io.sluice.node.identity.store;

import io.sluice.mesh.FileFault;
import io.sluice.mesh.Sha256;
import io.sluice.mesh.SpiffeId;
import io.sluice.node.identity.x509.Credential;
import io.sluice.process.DurableFile.SecretFiles;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.stream.Stream;
import javax.crypto.Cipher;
import javax.crypto.spec.GCMParameterSpec;
import javax.crypto.spec.SecretKeySpec;

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
    String hash = Sha256.hex(identity.toString().getBytes(StandardCharsets.UTF_8));
    return WORKLOAD_PREFIX + hash.substring(0, NAME_DIGITS);
  }

  /**
   * Named files of one directory, sealed with AES-256-GCM: header and name are authenticated, so
   * that one cannot stand for another. Any thread; calls for one name must not overlap.
   */
  public static final class SealedFiles {
    /** Version of the format; sixteen bytes. */
    private static final byte[] HEADER = "sluice-sealed-1\n".getBytes(StandardCharsets.US_ASCII);

    /** Six certificates, a key, and the roots of the mesh and of others, in JSON. */
    private static final int LONGEST_BYTES = 512 * 1_024;

    private static final int KEY_BYTES = 32;
    private static final int NONCE_BYTES = 12;
    private static final int TAG_BITS = 128;
    private static final String SUFFIX = ".sealed";
    private static final SecureRandom RANDOM = new SecureRandom();

    private final Path directory;
    private final SecretKeySpec key;

    private SealedFiles(Path directory, byte[] key) {
      this.directory = directory;
      this.key = new SecretKeySpec(key, "AES");
    }

    /**
     * Opens {@code directory}, which is made when missing, with the key in {@code keyFile}, which
     * is made when missing.
     *
     * @throws StoreException when one of them is open to others, damaged, or cannot be made
     */
    public static SealedFiles open(Path directory, Path keyFile) {
      try {
        SecretFiles.makeDirectory(directory);
      } catch (IOException e) {
        throw failure("directory " + directory + " cannot be made or read", e);
      }
      Optional<byte[]> known = read(keyFile, KEY_BYTES);
      if (known.isEmpty()) {
        byte[] made = new byte[KEY_BYTES];
        RANDOM.nextBytes(made);
        write(keyFile, made);
        return new SealedFiles(directory, made);
      }
      if (known.get().length != KEY_BYTES) {
        throw new StoreException(
            "file "
                + keyFile
                + " holds "
                + known.get().length
                + " bytes instead of a key of "
                + KEY_BYTES
                + " and is not used; put its backup back, or remove it and "
                + directory);
      }
      return new SealedFiles(directory, known.get());
    }

    private static Optional<byte[]> read(Path file, int longestBytes) {
      try {
        return SecretFiles.read(file, longestBytes);
      } catch (IOException e) {
        throw failure("file " + file + " cannot be read", e);
      }
    }

    private static void write(Path file, byte[] content) {
      try {
        SecretFiles.write(file, content);
      } catch (IOException e) {
        throw failure("file " + file + " cannot be written", e);
      }
    }

    private static StoreException failure(String what, IOException e) {
      return e instanceof SecretFiles.UnusableException
          ? new StoreException(e.getMessage() + "; it is not used", e)
          : new StoreException(
              what + " (" + FileFault.reason(e) + "); look at the disk and its free space", e);
    }

    /**
     * Content of {@code name}; empty where there is none.
     *
     * @throws StoreException when it is damaged, of another version or key, or open to others
     */
    public Optional<byte[]> read(String name) {
      Path file = file(name);
      return read(file, LONGEST_BYTES).map(bytes -> unsealed(file, name, bytes));
    }

    private byte[] unsealed(Path file, String name, byte[] bytes) {
      if (bytes.length < HEADER.length + NONCE_BYTES
          || !Arrays.equals(bytes, 0, HEADER.length, HEADER, 0, HEADER.length)) {
        throw new StoreException(
            "file " + file + " is incomplete or of another version and is not used");
      }
      try {
        Cipher cipher =
            cipher(
                Cipher.DECRYPT_MODE,
                Arrays.copyOfRange(bytes, HEADER.length, HEADER.length + NONCE_BYTES),
                name);
        int begin = HEADER.length + NONCE_BYTES;
        return cipher.doFinal(bytes, begin, bytes.length - begin);
      } catch (GeneralSecurityException e) {
        throw new StoreException(
            "file " + file + " was changed, or sealed with another key, and is not used", e);
      }
    }

    /**
     * Replaces the content of {@code name}.
     *
     * @throws StoreException when it cannot be written; the former content is still there
     */
    public void write(String name, byte[] content) {
      byte[] nonce = new byte[NONCE_BYTES]; // random: 2^32 writes of one key are far away
      RANDOM.nextBytes(nonce);
      try {
        byte[] sealed = cipher(Cipher.ENCRYPT_MODE, nonce, name).doFinal(content);
        write(
            file(name),
            ByteBuffer.allocate(HEADER.length + NONCE_BYTES + sealed.length)
                .put(HEADER)
                .put(nonce)
                .put(sealed)
                .array());
      } catch (GeneralSecurityException e) {
        throw new IllegalStateException("this JDK does not seal with AES-256-GCM", e);
      }
    }

    private Cipher cipher(int mode, byte[] nonce, String name) throws GeneralSecurityException {
      Cipher cipher = Cipher.getInstance("AES/GCM/NoPadding");
      cipher.init(mode, key, new GCMParameterSpec(TAG_BITS, nonce));
      cipher.updateAAD(HEADER);
      cipher.updateAAD(name.getBytes(StandardCharsets.UTF_8));
      return cipher;
    }

    /** Removes {@code name} where it is there. */
    public void delete(String name) {
      try {
        SecretFiles.delete(file(name));
      } catch (IOException e) {
        throw failure("file " + file(name) + " cannot be removed", e);
      }
    }

    /** Names of what is there. */
    public List<String> names() {
      try (Stream<Path> files = Files.list(directory)) {
        return files
            .map(file -> file.getFileName().toString())
            .filter(name -> name.endsWith(SUFFIX) && !name.startsWith("."))
            .map(name -> name.substring(0, name.length() - SUFFIX.length()))
            .sorted()
            .toList();
      } catch (IOException e) {
        throw new StoreException(
            "directory " + directory + " cannot be listed (" + FileFault.reason(e) + ")", e);
      }
    }

    private Path file(String name) {
      return directory.resolve(name + SUFFIX);
    }
  }
}
