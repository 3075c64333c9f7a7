# Homebrew formula: builds the command line and the library from a clone, with MLX's wheel as its
# authors publish it, in the version and with the hashes of requirements/mlx-macos.txt (a test
# compares them). docs/install.md says how to use it.
class Xlstm < Formula
  desc "Runtime for xLSTM language models and forecasters"
  homepage "https://arxiv.org/abs/2503.13427"
  license "Apache-2.0"
  # A clone of this repository: HOMEBREW_XLSTM_SOURCE=/path/of/it brew install --HEAD ...
  head ENV.fetch("HOMEBREW_XLSTM_SOURCE", "file:///nowhere/xlstm"), using: :git

  depends_on "cli11" => :build
  depends_on "cmake" => :build
  depends_on "ninja" => :build
  depends_on "nlohmann-json" => :build
  depends_on "pkgconf" => :build
  depends_on arch: :arm64
  depends_on "highway"
  depends_on macos: :sonoma
  depends_on "nettle"
  depends_on "pcre2"
  depends_on "utf8proc"
  depends_on "yaml-cpp"

  uses_from_macos "curl"
  uses_from_macos "zlib"

  # MLX's library is not relinked: it has no room for longer names, and finds mlx.metallib beside it.
  preserve_rpath

  resource "mlx-metal" do
    on_sonoma :or_older do
      url "https://files.pythonhosted.org/packages/77/24/7e5b7ed5d28abacab4577c7a8dd1fca6e9058504f5f95ae4333c09420e2e/mlx_metal-0.32.4-py3-none-macosx_14_0_arm64.whl"
      sha256 "8019b2db622599267d66cc168b2f0dbf5af929790a6c3b3913e00eabc42a7947"
    end
    on_sequoia do
      url "https://files.pythonhosted.org/packages/54/8c/9754dd6c4db485037f59cc8be6495738e14cdeb8bf19d5bddb5e96da890f/mlx_metal-0.32.4-py3-none-macosx_15_0_arm64.whl"
      sha256 "9f0a3cc26d89724434d9684932fc6f3e4e83669d2a895d858ed2c8a55eb84e8b"
    end
    on_tahoe :or_newer do
      url "https://files.pythonhosted.org/packages/2a/d6/4340ed6e184f71693d7f531c9ae55d677451351245760d71f8dd714dcbe5/mlx_metal-0.32.4-py3-none-macosx_26_0_arm64.whl"
      sha256 "514df92d41a286895d2564b4b18f4da45096bd7a4a0c47e1042f345ad5a7f936"
    end
  end

  def install
    wheel = buildpath/"mlx-wheel"
    # Homebrew does not know that a wheel is a zip archive.
    resource("mlx-metal").stage { system "unzip", "-q", Dir["*.whl"].first, "-d", wheel }
    args = %W[
      -G Ninja
      -DMLX_DIR=#{wheel}/mlx/share/cmake/MLX
      -DXLSTM_BUILD_BENCHMARKS=OFF
      -DXLSTM_BUILD_TESTS=OFF
      -DXLSTM_EXAMPLES=OFF
      -DXLSTM_PYTHON=OFF
    ]
    system "cmake", "-S", ".", "-B", "build", *args, *std_cmake_args
    system "cmake", "--build", "build"
    system "cmake", "--install", "build"
  end

  test do
    assert_match "xlstm #{version}", shell_output("#{bin}/xlstm --version") unless build.head?
    # The embedded model and MLX's library are found from the installed binary, and ops compute right.
    text = shell_output("#{bin}/xlstm generate --device cpu --prompt 'Once upon a time' --max-tokens 8")
    refute_empty text.strip
    assert_match "ok ", shell_output("#{bin}/xlstm doctor --device cpu")
    # Shaders are beside the library that looks for them there.
    assert_path_exists lib/"xlstm/mlx/lib/mlx.metallib"

    (testpath/"test.cpp").write <<~CPP
      #include <iostream>
      #include "xlstm/engine/engine.h"

      int main() {
        const auto engine = xlstm::Engine::open("classics-8m", {.device = "cpu"});
        engine.complete({.prompt = "The sea", .max_tokens = 4}, [](std::string_view text) {
          std::cout << text;
          return true;
        });
      }
    CPP
    system ENV.cxx, "-std=c++20", "test.cpp", "-I#{include}", "-L#{lib}", "-lxlstm", "-Wl,-rpath,#{lib}", "-o", "test"
    refute_empty shell_output("./test").strip
  end
end
