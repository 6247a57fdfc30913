package io.sluice.node.store;

import com.google.protobuf.ByteString;
import com.google.protobuf.CodedInputStream;
import com.google.protobuf.ExtensionRegistryLite;
import io.sluice.api.envoy.discovery.Resource;
import io.sluice.mesh.Kind;
import io.sluice.mesh.MeshObject;
import io.sluice.mesh.MeshSettings;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.ResourceDecoder;
import io.sluice.mesh.ResourceEncoder;
import io.sluice.mesh.ResourceKey;
import io.sluice.mesh.UnusableResourceException;
import io.sluice.mesh.WireLimits;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.HashMap;
import java.util.Map;

/**
 * A snapshot as bytes: resources as a controller sends them, each after its length, in an {@link
 * Envelope}. Pure functions of their arguments; any thread.
 */
public final class SnapshotFormat {
  private SnapshotFormat() {}

  /**
   * Reads a file's bytes.
   *
   * @throws UnusableSnapshotException for everything that is not a whole snapshot
   */
  public static Stored read(byte[] bytes) throws UnusableSnapshotException {
    return stored(Envelope.parse(bytes));
  }

  /** The bytes of a file; {@code sequence} is 1 or more and tells the newer of two. */
  public static byte[] write(long sequence, Stored stored) {
    return envelope(sequence, stored).bytes();
  }

  static Envelope envelope(long sequence, Stored stored) {
    ByteString.Output payload = ByteString.newOutput();
    stored
        .snapshot()
        .objects()
        .map(ResourceEncoder::encode)
        .forEach(resource -> append(resource, payload));
    return new Envelope(
        sequence,
        stored.savedAt(),
        stored.snapshot().isComplete(),
        stored.snapshot().revision(),
        payload.toByteString(),
        stored.mesh());
  }

  private static void append(Resource resource, ByteString.Output payload) {
    try {
      resource.writeDelimitedTo(payload);
    } catch (IOException e) {
      throw new UncheckedIOException("memory takes every message", e);
    }
  }

  static Stored stored(Envelope envelope) throws UnusableSnapshotException {
    Map<ResourceKey, MeshObject> resources = new HashMap<>();
    try {
      CodedInputStream in = envelope.payload().newCodedInput();
      while (!in.isAtEnd()) {
        Resource.Builder resource = Resource.newBuilder();
        in.readMessage(resource, ExtensionRegistryLite.getEmptyRegistry());
        MeshObject decoded = ResourceDecoder.decode(resource.build());
        if (resources.put(decoded.key(), decoded) != null) {
          throw unusable(decoded.key() + " is in it twice");
        }
        if (resources.size() > WireLimits.RESOURCES) {
          throw unusable("it has more than " + WireLimits.RESOURCES + " objects");
        }
      }
    } catch (IOException e) {
      throw unusable("its objects cannot be told apart (" + e.getMessage() + ")");
    } catch (UnusableResourceException e) {
      throw unusable("of its objects, " + e.getMessage());
    }
    if (!resources.containsKey(Kind.SETTINGS.key(MeshSettings.NAME))) {
      throw unusable("it has no settings"); // those for their absence would cut off a whole site
    }
    return new Stored(
        MeshSnapshot.of(envelope.revision(), envelope.complete(), resources.values()),
        envelope.savedAt(),
        envelope.mesh());
  }

  private static UnusableSnapshotException unusable(String problem) {
    return new UnusableSnapshotException(StoreFault.UNUSABLE_CONTENT, problem);
  }
}
