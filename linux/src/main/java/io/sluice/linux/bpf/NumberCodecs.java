package io.sluice.linux.bpf;

import java.nio.ByteBuffer;

/** The codecs of plain numbers. */
final class NumberCodecs {
  static final MapCodec<Integer> U32 =
      new MapCodec<>() {
        @Override
        public int size() {
          return Integer.BYTES;
        }

        @Override
        public void encode(Integer value, ByteBuffer out) {
          out.putInt(value);
        }

        @Override
        public Integer decode(ByteBuffer in) {
          return in.getInt();
        }
      };

  static final MapCodec<Long> U64 =
      new MapCodec<>() {
        @Override
        public int size() {
          return Long.BYTES;
        }

        @Override
        public void encode(Long value, ByteBuffer out) {
          out.putLong(value);
        }

        @Override
        public Long decode(ByteBuffer in) {
          return in.getLong();
        }
      };

  private NumberCodecs() {}
}
