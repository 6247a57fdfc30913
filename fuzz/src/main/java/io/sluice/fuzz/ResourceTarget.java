package io.sluice.fuzz;

import static io.sluice.fuzz.Promises.require;

import io.sluice.api.envoy.discovery.Resource;
import io.sluice.mesh.MeshObject;
import io.sluice.mesh.ResourceDecoder;
import io.sluice.mesh.ResourceEncoder;
import io.sluice.mesh.UnusableResourceException;

/**
 * What a controller may send a node: it is refused with a reason, or means an object that can be
 * encoded again and then means the same. The input is one resource, as {@link WireInput} has it.
 */
public final class ResourceTarget {
  private ResourceTarget() {}

  /** Entry point by the fuzzer's convention. Throws {@link AssertionError} for what must not be. */
  @SuppressWarnings("unused") // called by name
  public static void fuzzerTestOneInput(byte[] input) {
    MeshObject decoded;
    try {
      decoded = ResourceDecoder.decode(new WireInput(input).lastResource());
    } catch (UnusableResourceException e) {
      require(!String.valueOf(e.getMessage()).isBlank(), "refused without a word");
      return;
    }
    Resource encoded = ResourceEncoder.encode(decoded);
    MeshObject again = ResourceDecoder.decode(encoded);
    require(again.equals(decoded), "means something else afterwards: " + again + ", " + decoded);
    require(ResourceEncoder.encode(again).equals(encoded), "one object has two versions");
  }
}
