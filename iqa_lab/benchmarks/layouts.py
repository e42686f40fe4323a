"""The lists of icbcbicc/IQA-Dataset, by name -> how their databases lie on a disk, and what their images' names say.

A list describes the images as the University of Waterloo repacked them. Its paths are the names of the images here,
whoever's copy they come from; a ``Layout`` says where else the same image may lie, as in the publisher's own archive.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import product

import pandas as pd

from iqa_lab.benchmarks import official
from iqa_lab.benchmarks.official import Labels

Level = int | str


@dataclass(frozen=True)
class Layout:
    """One database: the form of its images' names, where they may lie, and its publisher's own opinions."""

    name: re.Pattern[str] = re.compile("")  # of a distorted image, as the list has it
    example: str = ""  # of such a name
    # what stands at the beginning of a path in the list -> what may stand there instead; the first that fits counts
    places: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    level: Callable[[re.Match[str]], Level] = lambda match: int(match["level"])  # empty: the name does not say it
    distortion: Callable[[re.Match[str]], str] | None = None  # None: the list's own word
    labels: tuple[str, ...] = ()  # the publisher's files of opinions; all are needed
    read: Callable[[Labels], pd.DataFrame] | None = None  # these -> rows
    levels: Callable[[Labels], Mapping[str, str]] | None = None  # further files -> the level of each image
    own_list: bool = False  # the list is the user's: its names and types may be others
    note: str = ""  # on a file of the publisher's that is not read

    def candidates(self, path: str) -> list[str]:
        """All paths below the database's folder at which a file may lie, its path in the list first.

        >>> LAYOUTS["VCLFER.txt"].candidates("Ref_Images/IMG_01.bmp")
        ['Ref_Images/IMG_01.bmp', 'vcl_fer/IMG_01.bmp', 'IMG_01.bmp']
        """
        for beginning, others in self.places.items():
            if path.startswith(beginning):
                return list(dict.fromkeys([path, *(other + path.removeprefix(beginning) for other in others)]))
        return [path]


def _below(bases: tuple[str, ...], *folders: str) -> tuple[str, ...]:
    """Each folder in each of some bases; all end in a slash, or are empty."""
    return tuple(f"{base}{folder}" for base, folder in product(bases, folders))


def _text(match: re.Match[str]) -> str:
    return match["level"]


_LIVE_MD = ("To_Release/", "", "LIVEmultidistortiondatabase/To_Release/", "LIVEmultidistortiondatabase/")
_LIVE_MD_PARTS = {part: (f"Part_{part}/", f"Part {part}/", f"Part{part}/") for part in (1, 2)}
_CIDIQ = ("", "CIDIQ/", "CIDIQ_MOS50/", "CIDIQ_MOS100/")  # the images of both distances are the same


def _cidiq(distance: int) -> Layout:
    return Layout(
        name=re.compile(r"Images/Reproduction/\d_\w+/final\d\d_d\d_l(?P<level>\d)\.bmp", re.IGNORECASE),
        example="Images/Reproduction/4_Gaussian_Blur/final01_d4_l5.bmp",
        places={"": _CIDIQ},
        labels=(f"MOS{distance}.mat",),
        read=official.cidiq(distance),
    )


# of the publishers, only what public programs or documents show; where there are no labels, nothing shows any
LAYOUTS: dict[str, Layout] = {
    "LIVE_MD.txt": Layout(
        name=re.compile(
            r"To_Release/Part_\d/(?P<kind>blurjpeg|blurnoise)/[^/]+?"
            r"_(?P<level>blur\d(?:_(?:jpeg|noise)\d)?|jpeg\d|noise\d)\.bmp",
            re.IGNORECASE,
        ),
        example="To_Release/Part_1/blurjpeg/babygirl_blur1_jpeg2.bmp",
        places={
            "To_Release/Part_1/": _below(_LIVE_MD, *_LIVE_MD_PARTS[1]),
            "To_Release/Part_2/": _below(_LIVE_MD, *_LIVE_MD_PARTS[2]),
            "To_Release/Part 1/": _below(_LIVE_MD, *_LIVE_MD_PARTS[1]),
            "To_Release/Part 2/": _below(_LIVE_MD, *_LIVE_MD_PARTS[2]),
            "To_Release/Ref_Images/": _below(
                _LIVE_MD,
                "Ref_Images/",
                *(f"{folder}blurjpeg/" for folder in _LIVE_MD_PARTS[1]),
                *(f"{folder}blurnoise/" for folder in _LIVE_MD_PARTS[2]),
            ),
        },
        level=_text,
        distortion=lambda match: match["kind"].lower(),
        labels=tuple(f"To_Release/Part {part}/{name}.mat" for part, name in product((1, 2), ("Imagelists", "Scores"))),
        read=official.live_md,
    ),
    "VCLFER.txt": Layout(
        name=re.compile(r"vcl_fer/IMG_\d\d_(?:AWGN|BLU|J2K|JPG)_(?P<level>\d)\.(?:bmp|jpg)", re.IGNORECASE),
        example="vcl_fer/IMG_01_AWGN_1.bmp",
        places={"vcl_fer/": ("vcl_fer/", ""), "Ref_Images/": ("Ref_Images/", "vcl_fer/", "")},
        note="results.xls of the publisher is not read: nobody describes its columns publicly",
    ),
    "MDID2013.txt": Layout(
        name=re.compile(r"MDID2013/img(?P<number>\d{3})\.png", re.IGNORECASE),
        example="MDID2013/img001.png",
        places={
            "Ref/": ("Ref/", "MDID2013/", "", "MDID2013/Ref/", "MDID2013/MDID2013/"),
            "MDID2013/": ("MDID2013/", "", "MDID2013/MDID2013/"),
            "": ("", "MDID2013/"),
        },
        # 27 images a reference, three steps of three distortions; opinions rise with the one that changes fastest
        level=lambda match: (int(match["number"]) - 1) % 3 + 1,
        labels=("MDID_dmos.mat",),
        read=official.mdid2013,
    ),
    "MDID2016.txt": Layout(
        name=re.compile(r"distortion_images/img\d\d_\d\d\.bmp", re.IGNORECASE),
        example="distortion_images/img01_01.bmp",
        places={"": ("", "MDID/", "MDID2016/")},
        level=lambda _: "",
        labels=("mos.txt",),
        read=official.mdid,
        levels=official.mdid_levels,
    ),
    "CIDIQ_MOS50.txt": _cidiq(50),
    "CIDIQ_MOS100.txt": _cidiq(100),
    "MDIVL.txt": Layout(
        name=re.compile(r"MDIVL/Data_\w+/[^/]+?_(?P<level>(?P<kind>blur|noise)_[\d.]+_jpg_\d+)\.jpg", re.IGNORECASE),
        example="MDIVL/Data_Blur_JPEG/baby_blur_0.66_jpg_50.jpg",
        places={"MDIVL/": ("MDIVL/", "")},
        level=_text,
        distortion=lambda match: f"{match['kind'].lower()}jpeg",
    ),
    "SDIVL.txt": Layout(
        name=re.compile(r"SDIVL/\w+/\w+/\w+?_(?:STD_|Q_\d+_PC_)(?P<level>\d+)\.(?:png|jpg)", re.IGNORECASE),
        example="SDIVL/noise/arrow/arrow_STD_01.png",
        places={"SDIVL/": ("SDIVL/", "")},
    ),
    "Toyama.txt": Layout(
        name=re.compile(r"jpeg(?:2000)?/kp\d\d(?:_(?P<level>\d\d)_(?:jp2|jpg))?\.bmp", re.IGNORECASE),
        example="jpeg2000/kp01_12_jp2.bmp",
        level=lambda match: int(match["level"] or 0),  # a copy of a reference names none
    ),
    "A57.txt": Layout(
        name=re.compile(r"images/dst_imgs/\w+/(?P<level>[ABC])/\w+\.\w{3}\.bmp", re.IGNORECASE),
        example="images/dst_imgs/horse/A/horse.JPG.bmp",
        places={"images/": ("images/", "")},
        level=lambda match: match["level"].upper(),
    ),
    "IVC.txt": Layout(
        name=re.compile(
            r"(?:.*/)?[^/]+_(?:j2000_r|jpeg_r|lar_r|jpeg_lumichr_r|flou_f)(?P<level>\d)\.bmp", re.IGNORECASE
        ),
        example="IVC_SubQualityDB/color/avion_j2000_r1.bmp",
        places={
            "IVC_SubQualityDB/color/": ("IVC_SubQualityDB/color/", "color/", ""),
            "": ("", "IVC_SubQualityDB/color/", "color/"),
        },
        labels=("IVC.MOS.csv",),
        read=official.ivc,
        own_list=True,
    ),
}
