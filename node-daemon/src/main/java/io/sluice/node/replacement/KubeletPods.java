package io.sluice.node.replacement;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.PodUid;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.Base64;
import java.util.HashSet;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * What the kubelet has written about its pods: the service account tokens that it projects into
 * them before it makes their sandbox. Their claims count because of where they lie and not by their
 * signature, so only the kubelet's own files are read: below {@code
 * volumes/kubernetes.io~projected}, which no pod can write, and through no link but the one that
 * the kubelet itself exchanges when it renews a volume. Any thread; reads small files.
 */
final class KubeletPods {
  private static final String PROJECTED = "volumes/kubernetes.io~projected";
  private static final String TOKEN = "token";

  /** The kubelet's link to the newest content of a volume (its AtomicWriter). */
  private static final Path NEWEST = Path.of("..data");

  private static final Pattern CONTENT = Pattern.compile("\\.\\.[0-9]{4}[0-9_.]{1,60}");
  private static final int LONGEST_TOKEN = 16_384;
  private static final int MOST_VOLUMES = 64;
  private static final int PARTS = 3; // of a token in compact form, RFC 7519
  private static final ObjectMapper JSON = new ObjectMapper();

  private final Path pods;

  /**
   * @param directory the kubelet's, such as {@code /var/lib/kubelet}
   */
  KubeletPods(Path directory) {
    this.pods = directory.resolve("pods");
  }

  /**
   * The service account of a pod.
   *
   * @throws NotReplaced where no token says it, or not all say the same
   */
  NamespacedName accountOf(NamespacedName name, PodUid uid) throws NotReplaced {
    Path volumes = pods.resolve(uid.toString()).resolve(PROJECTED);
    Set<NamespacedName> accounts = new HashSet<>();
    try {
      requireDirectory(pods.resolve(uid.toString()));
      requireDirectory(pods.resolve(uid.toString()).resolve("volumes"));
      requireDirectory(volumes);
      int seen = 0;
      try (DirectoryStream<Path> each = Files.newDirectoryStream(volumes)) {
        for (Path volume : each) {
          if (++seen > MOST_VOLUMES) {
            throw new NotReplaced("its directory " + volumes + " has more than " + MOST_VOLUMES);
          }
          requireDirectory(volume);
          Path token = content(volume).resolve(TOKEN);
          if (Files.isRegularFile(token, LinkOption.NOFOLLOW_LINKS)) {
            accounts.add(claimed(token, name, uid));
          }
        }
      }
    } catch (IOException e) {
      throw new NotReplaced("what the kubelet keeps of it cannot be read: " + e);
    }
    if (accounts.size() != 1) {
      throw new NotReplaced(
          accounts.isEmpty()
              ? "no token that the kubelet projects into it says its service account ("
                  + volumes
                  + ")"
              : "its tokens say several service accounts: " + accounts);
    }
    return accounts.iterator().next();
  }

  private static void requireDirectory(Path path) throws NotReplaced {
    if (!Files.isDirectory(path, LinkOption.NOFOLLOW_LINKS)) {
      throw new NotReplaced("the kubelet has no directory " + path + " of it");
    }
  }

  private static Path content(Path volume) throws IOException, NotReplaced {
    Path link = volume.resolve(NEWEST);
    if (!Files.isSymbolicLink(link)) {
      throw new NotReplaced(link + " is not the kubelet's link");
    }
    String target = Files.readSymbolicLink(link).toString();
    if (!CONTENT.matcher(target).matches()) {
      throw new NotReplaced(link + " leads to '" + target + "', where the kubelet writes nothing");
    }
    Path content = volume.resolve(target);
    requireDirectory(content);
    return content;
  }

  private static NamespacedName claimed(Path token, NamespacedName name, PodUid uid)
      throws IOException, NotReplaced {
    byte[] read;
    try (InputStream in = Files.newInputStream(token, LinkOption.NOFOLLOW_LINKS)) {
      read = in.readNBytes(LONGEST_TOKEN + 1);
    }
    if (read.length > LONGEST_TOKEN) {
      throw new NotReplaced(token + " has more than " + LONGEST_TOKEN + " bytes");
    }
    JsonNode claims = claims(token, read).path("kubernetes.io");
    JsonNode pod = claims.path("pod");
    String account = claims.path("serviceaccount").path("name").asText();
    if (!claims.path("namespace").asText().equals(name.namespace())
        || !pod.path("name").asText().equals(name.name())
        || !pod.path("uid").asText().equals(uid.toString())
        || account.isEmpty()) {
      throw new NotReplaced(token + " is of another pod");
    }
    return new NamespacedName(name.namespace(), account);
  }

  private static JsonNode claims(Path token, byte[] read) throws NotReplaced {
    String[] parts = new String(read, StandardCharsets.US_ASCII).split("\\.", -1);
    try {
      if (parts.length == PARTS) {
        return JSON.readTree(Base64.getUrlDecoder().decode(parts[1]));
      }
    } catch (IOException | IllegalArgumentException e) {
      throw new NotReplaced(token + " is no token: " + e.getMessage());
    }
    throw new NotReplaced(token + " is no token");
  }

  /** Why a pod starts in no other's place; the message is a sentence's end, for people. */
  static final class NotReplaced extends Exception {
    NotReplaced(String why) {
      super(why);
    }
  }
}
