from __future__ import annotations

import pytest
import torch

from swath.training.augment import augment, crop_maps, size_at
from swath.training.recipe import AugmentRecipe


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_without_any_change_the_image_comes_back() -> None:
    images = torch.rand(3, 3, 16, 16)
    still = AugmentRecipe(area=1.0, ratio=1.0, dihedral=False, colour=0.0)
    torch.testing.assert_close(augment(images, still, 16, generator(), colour=True), images, atol=1e-5, rtol=0)


def test_turns_and_mirrors_are_exact_and_all_eight_occur() -> None:
    image = torch.rand(1, 3, 8, 8)
    eight = [turned for k in range(4) for turned in (image.rot90(k, (2, 3)), image.rot90(k, (2, 3)).flip(3))]
    turning = AugmentRecipe(area=1.0, ratio=1.0, dihedral=True, colour=0.0)
    out = augment(image.expand(200, -1, -1, -1), turning, 8, generator(), colour=True)
    seen = [int(torch.stack([(one - each[0]).abs().max() for each in eight]).argmin()) for one in out]
    closest = torch.stack([torch.stack([(one - each[0]).abs().max() for each in eight]).min() for one in out])
    assert closest.max() < 1e-5
    assert set(seen) == set(range(8))


def test_crops_stay_inside_the_image() -> None:
    """A ramp keeps its range: a crop that reached outside would reflect, and its slope would change sign."""
    ramp = torch.linspace(0, 1, 64).expand(1, 1, 64, 64)
    out = augment(ramp.expand(50, -1, -1, -1), AugmentRecipe(area=0.2, dihedral=False), 32, generator(), colour=False)
    assert (out.diff(dim=3) > -1e-6).all()
    width = out[..., -1].mean(dim=(1, 2)) - out[..., 0].mean(dim=(1, 2))
    assert 0.3 < width.min() < width.max() <= 1.0


def test_colours_change_pictures_only() -> None:
    images = torch.rand(4, 3, 8, 8)
    recipe = AugmentRecipe(area=1.0, ratio=1.0, dihedral=False, colour=0.4)
    changed = augment(images, recipe, 8, generator(), colour=True)
    assert (changed - images).abs().amax(dim=(1, 2, 3)).min() > 0.01
    assert changed.min() >= 0
    assert changed.max() <= 1
    torch.testing.assert_close(augment(images, recipe, 8, generator(), colour=False), images, atol=1e-5, rtol=0)


def test_grey_pictures_without_gains_stay_as_they_are_in_hue() -> None:
    grey = torch.rand(2, 1, 8, 8).expand(-1, 3, -1, -1) * 0.5 + 0.2
    out = augment(grey, AugmentRecipe(area=1.0, ratio=1.0, dihedral=False, colour=0.2), 8, generator(), colour=True)
    channel_means = out.mean(dim=(2, 3))
    assert (channel_means.amax(dim=1) / channel_means.amin(dim=1)).max() < (1 + 0.2 / 3) / (1 - 0.2 / 3) + 1e-3


def test_erased_rectangles_have_the_mean() -> None:
    images = torch.rand(20, 3, 32, 32)
    recipe = AugmentRecipe(area=1.0, ratio=1.0, dihedral=False, colour=0.0, erase=1.0)
    out = augment(images, recipe, 32, generator(), colour=True)
    hole = ((out - images.mean(dim=(2, 3), keepdim=True)).abs() < 1e-4).all(dim=1)
    share = hole.float().mean(dim=(1, 2))
    assert share.max() < 0.25
    assert (share > 0.005).all()


def test_the_same_numbers_give_the_same_pixels() -> None:
    images = torch.rand(4, 3, 16, 16)
    first, second, other = (augment(images, AugmentRecipe(), 12, generator(seed), colour=True) for seed in (1, 1, 2))
    assert torch.equal(first, second)
    assert not torch.equal(first, other)


@pytest.mark.parametrize(("epoch", "size"), [(0, 96), (4, 96), (5, 128), (9, 128)])
def test_sizes_share_the_epochs(epoch: int, size: int) -> None:
    assert size_at((96, 128), epoch, 10) == size


def test_images_of_one_ground_are_cut_and_turned_alike() -> None:
    recipe = AugmentRecipe(area=0.2, colour=0.0)
    groups = torch.tensor([4, -1, 7, 4, -1, 7, 4])
    maps = crop_maps(7, recipe, generator(), groups)
    assert torch.equal(maps[[0, 3, 6]], maps[[0, 0, 0]])
    assert torch.equal(maps[2], maps[5])
    alone = [0, 1, 2, 4]
    assert len({tuple(maps[row].flatten().tolist()) for row in alone}) == 4
    assert torch.equal(maps[alone], crop_maps(7, recipe, generator())[alone])
    image = torch.rand(1, 2, 24, 24)
    out = augment(image.expand(7, -1, -1, -1), recipe, 12, generator(), colour=False, maps=maps)
    assert torch.equal(out[0], out[6])
    assert not torch.equal(out[0], out[1])
