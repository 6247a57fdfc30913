package io.sluice.linux.bpf;

/** Refuses to read a map through a codec of another size, which would corrupt memory. */
final class MapSizes {
  private MapSizes() {}

  static void check(BpfMapFd map, String what, int kernelBytes, int codecBytes) {
    if (kernelBytes != codecBytes) {
      throw new IllegalArgumentException(
          map.subject()
              + " has a "
              + what
              + " of "
              + kernelBytes
              + " bytes, its codec has "
              + codecBytes
              + ": the map is of another version");
    }
  }

  static void checkType(BpfMapFd map, int type, String expected) {
    if (map.info().type() != type) {
      throw new IllegalArgumentException(
          map.subject() + " is of type " + map.info().type() + ", not " + expected);
    }
  }
}
