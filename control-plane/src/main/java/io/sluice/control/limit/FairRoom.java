package io.sluice.control.limit;

import io.sluice.mesh.Cidr;
import java.net.InetAddress;
import java.time.Duration;
import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A bounded number of places for those whom nobody knows, shared fairly between the addresses that
 * they come from. Where it is full somebody of the address that has the most gives way, so that a
 * crowd from one address keeps out nobody but itself; among equals only one who has had some time
 * gives way, so that honest ones who come all at once do not throw each other out. Guarded by its
 * owner.
 *
 * @param <G> a guest
 */
public final class FairRoom<G> {
  private final int most;
  private final int mostOfAddress;
  private final long graceNanos;
  private final Map<Cidr, LinkedHashMap<G, Long>> byAddress = new HashMap<>();
  private int size;

  /**
   * @param most places
   * @param mostOfAddress of them for one address; of IPv6, for one network of 64 bits
   * @param grace that everybody has who is let in
   */
  public FairRoom(int most, int mostOfAddress, Duration grace) {
    if (most < 1 || mostOfAddress < 1) {
      throw new IllegalArgumentException("a room has a place for one at least");
    }
    this.most = most;
    this.mostOfAddress = mostOfAddress;
    this.graceNanos = grace.toNanos();
  }

  /**
   * What came of asking for a place.
   *
   * @param outOrNull who has none now: the one who asked, or another; null for nobody
   * @param isForAddress whether the places of the address were short, and not all
   */
  public record Entry<G>(@Nullable G outOrNull, boolean isForAddress) {}

  /** Lets {@code guest} in, where there is a place or somebody gives way. */
  public Entry<G> enter(G guest, InetAddress address, long nanoTime) {
    Cidr key = Cidr.ofSource(address);
    int own = of(key).size();
    boolean isForAddress = own >= mostOfAddress;
    G out = null;
    if (isForAddress || size >= most) {
      Cidr crowd = isForAddress ? key : largest();
      Map.Entry<G, Long> oldest = of(crowd).firstEntry();
      boolean isFair = of(crowd).size() > own + 1;
      if (!isFair && nanoTime - oldest.getValue() < graceNanos) {
        return new Entry<>(guest, isForAddress);
      }
      out = oldest.getKey();
      remove(out, crowd);
    }
    byAddress.computeIfAbsent(key, _ -> new LinkedHashMap<>()).put(guest, nanoTime);
    size++;
    return new Entry<>(out, isForAddress);
  }

  /** Gives the guest's place back, if there is one. */
  public void leave(G guest, InetAddress address) {
    remove(guest, Cidr.ofSource(address));
  }

  /** The guests of an address, in order of coming. */
  private LinkedHashMap<G, Long> of(Cidr key) {
    return byAddress.getOrDefault(key, new LinkedHashMap<>());
  }

  private void remove(G guest, Cidr key) {
    LinkedHashMap<G, Long> own = of(key);
    if (own.remove(guest) != null) {
      size--;
      if (own.isEmpty()) {
        byAddress.remove(key);
      }
    }
  }

  /** How many are in. */
  public int size() {
    return size;
  }

  private Cidr largest() {
    Iterator<Map.Entry<Cidr, LinkedHashMap<G, Long>>> all = byAddress.entrySet().iterator();
    Map.Entry<Cidr, LinkedHashMap<G, Long>> largest = all.next();
    while (all.hasNext()) {
      Map.Entry<Cidr, LinkedHashMap<G, Long>> next = all.next();
      if (next.getValue().size() > largest.getValue().size()) {
        largest = next;
      }
    }
    return largest.getKey();
  }
}
